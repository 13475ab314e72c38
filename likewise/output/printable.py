"""Escape untrusted text for a terminal. Not for files, which keep names unchanged."""

from __future__ import annotations

# Control and format characters, halves of characters, and the ends of lines and paragraphs.
_ACTING = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def printable(text: str) -> str:
    r"""Spell out what a terminal would act on instead of showing it: line ends, ESC, direction.

    Example:
        >>> printable("größe.png"), printable("a\n\x1b[2J")
        ('größe.png', 'a\\n\\x1b[2J')
    """
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    from unicodedata import category  # rarely needed

    if category(character) in _ACTING:
        return character.encode("unicode_escape").decode()
    return character
