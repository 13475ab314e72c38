"""What a source holds beside its pictures: counted by reason, with a few names of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from os.path import splitext

from embedder.text import counted

_SHOWN = 3
Reason = tuple[str, str]  # what it is, and what is the matter with it

_HIDDEN: Reason = ("hidden file", "")
_OTHER: Reason = ("file", " not named as a picture")
LINKED: Reason = ("link", " to what is read in its own place")
NOT_FOLLOWED: Reason = ("link", ", not followed in an archive")
UNLISTABLE: Reason = ("folder", " that cannot be listed")
GALLERY: Reason = ("folder", " of a gallery")
SPECIAL: Reason = ("pipe", ", socket or device")


def is_shown(name: str) -> bool:
    """Whether neither a file, or a member of an archive, nor a folder around it is hidden.

    Args:
        name: Relative to the source, or of a file alone.

    Example:
        >>> is_shown("a/b.png"), is_shown("a/.b.png"), is_shown("__MACOSX/b.png"), is_shown("../b")
        (True, False, False, True)
    """
    return not any(map(_is_hidden, name.split("/")))


def _is_hidden(part: str) -> bool:
    return part == "__MACOSX" or (part.startswith(".") and part.strip(".") != "")


@dataclass(slots=True)
class PassedOver:
    """Files and folders that are no records of a source.

    Attributes:
        counts: Their number by reason.
        examples: The first few names by reason.

    Example:
        >>> passed_over = PassedOver()
        >>> for name in ("a/notes.txt", "b.txt", "c.raw"):
        ...     passed_over.add_file(name)
        >>> passed_over.sentence("scans")
        'Passed over in scans: 3 files not named as a picture (2 .txt, 1 .raw), as a/notes.txt...'
    """

    counts: Counter[Reason] = field(default_factory=Counter)
    examples: dict[Reason, list[str]] = field(default_factory=dict)
    _endings: Counter[str] = field(default_factory=Counter)

    def add(self, reason: Reason, name: str) -> None:
        """Count a file or a folder.

        Args:
            reason: Why it is passed over.
            name: Relative to the source.
        """
        self.counts[reason] += 1
        shown = self.examples.setdefault(reason, [])
        if len(shown) < _SHOWN:
            shown.append(name)

    def add_file(self, name: str) -> None:
        """Count a file that is hidden, or not named as a picture."""
        if not is_shown(name):
            self.add(_HIDDEN, name)
        else:
            self._endings[splitext(name)[1].lower() or "without an ending"] += 1
            self.add(_OTHER, name)

    def sentence(self, source: str) -> str | None:
        """Report all of them; None where there are none."""
        if not self.counts:
            return None
        reasons = "; ".join(map(self._reason, self.counts))
        return f"Passed over in {source}: {reasons}."

    def _reason(self, reason: Reason) -> str:
        names = self.examples[reason]
        more = f" and {counted(n, 'other')}" if (n := self.counts[reason] - len(names)) > 0 else ""
        kinds = ""
        if reason == _OTHER:
            endings = (f"{count} {name}" for name, count in self._endings.most_common(_SHOWN))
            kinds = f" ({', '.join(endings)})"
        what, matter = reason
        number = counted(self.counts[reason], what)
        return f"{number}{matter}{kinds}, as {', '.join(names)}{more}"
