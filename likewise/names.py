"""The one spelling of labels and ids, and which names are alike."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

# A whole number: 7, and 7.0, as pandas writes a 7 beside a missing value.
WHOLE = re.compile(r"(-?(?:0|[1-9]\d*))(?:[.,]0*)?")
_UNSPOKEN = re.compile(r"(?<!\d)[\W_]|[\W_](?!\d)")  # all but what stands between two digits
_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")


def composed(name: str) -> str:
    r"""Spell a name with composed characters (Unicode NFC), as keyboards write it and Macs do not.

    Example:
        >>> composed("Mu\u0308ller") == "Müller"
        True
    """
    if name.isascii():
        return name
    from unicodedata import normalize

    return normalize("NFC", name)


def normal(label: str) -> str:
    """Spell a label in its one form: composed, without outer spaces.

    Example:
        >>> normal("cat ")
        'cat'
    """
    return composed(label).strip()


def forms(name: str) -> set[str]:
    r"""Every spelling under which a gallery may hold a name: as written, composed, decomposed.

    Example:
        >>> forms("7"), len(forms("Müller")), len(forms("Mu\u0308ller"))
        ({'7'}, 2, 2)
    """
    if name.isascii():
        return {name}
    from unicodedata import normalize

    return {name, normalize("NFC", name), normalize("NFD", name)}


def outline(name: str) -> str:
    """Reduce a name to what is left when only its spelling differs: letters and digits, one case.

    A single letter keeps its case: `a` and `A` may well be two groups.

    Example:
        >>> outline("7.0"), outline("007"), outline("Jean-Luc "), outline("jean luc")
        ('7', '7', 'jeanluc', 'jeanluc')
    """
    spelled = normal(name)
    whole = WHOLE.fullmatch(spelled)
    spelled = _LEADING_ZEROS.sub("", whole.group(1) if whole else spelled)
    if len(spelled) > 1:
        spelled = spelled.casefold()
    return _UNSPOKEN.sub("", spelled) or spelled


def alike(name: str, known: Collection[str]) -> str | None:
    """The known name that differs in spelling alone, None if there is none.

    Args:
        name: Not among the known ones.
        known: Names, searched in order.

    Example:
        >>> alike("7.0", ["6", "7"]), alike("8", ["6", "7"])
        ('7', None)
    """
    wanted = outline(name)
    return next((other for other in known if outline(other) == wanted), None)


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that was probably meant, None if none comes close.

    Args:
        name: Not among the known ones.
        known: Names.

    Example:
        >>> nearest("alcie", ["alice", "bob"]), nearest("zoe", ["alice", "bob"])
        ('alice', None)
    """
    from difflib import get_close_matches

    return alike(name, known) or next(iter(get_close_matches(name, known, 1)), None)


def meant(name: str, known: Collection[str]) -> str:
    """Suggest the known name that was probably meant, as the end of a sentence, or nothing.

    Args:
        name: Not among the known ones.
        known: Names.

    Example:
        >>> meant("7.0", ["7", "8"]), meant("zoe", ["7"])
        ("; the nearest is '7'", '')
    """
    likely = nearest(name, known)
    return "" if likely is None else f"; the nearest is {likely!r}"


def examples(names: Iterable[str], most: int = 3) -> str:
    """Quote the first few names.

    Args:
        names: Names in the order of display.
        most: How many of them, 1 or more.

    Example:
        >>> examples("abcd"), examples("a")
        ("'a', 'b', 'c' and 1 more", "'a'")
    """
    every = list(names)
    shown = ", ".join(map(repr, every[:most]))
    return shown if len(every) <= most else f"{shown} and {len(every) - most} more"
