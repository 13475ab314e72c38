"""Compare the labels of pictures with a gallery's groups: which of them it lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from embedder.text import counted
from likewise.errors import LikewiseError
from likewise.names import meant, normal, outline

_SHOWN = 3


class UnmatchedLabelsError(LikewiseError):
    """Labels that should name groups of a gallery do not, so that a promise would be nonsense."""


@dataclass
class LabelJoin:
    """Pictures counted by whether the gallery has a group of their label.

    Attributes:
        groups: Labels of the gallery.
        known: Number of pictures whose group it has.
        strangers: Number of pictures by each label that it lacks.

    Example:
        >>> join = LabelJoin(["7", "8"])
        >>> join.count(["7", "x"])
        >>> join.sentence()
        "1 picture of 1 group that the gallery lacks counts as unknown: 'x' (1)."
    """

    groups: Collection[str]
    known: int = 0
    strangers: Counter[str] = field(default_factory=Counter)

    def count(self, labels: Iterable[str | None]) -> None:
        """Count further pictures by their labels; those labelled None do not count."""
        for label in labels:
            if label is None:
                continue
            if label in self._spelled:
                self.known += 1
            else:
                self.strangers[label] += 1

    def __contains__(self, label: object) -> bool:
        return label in self._spelled

    def sentence(self) -> str | None:
        """Report the pictures of groups that the gallery lacks, None where there are none."""
        if not self.strangers:
            return None
        pictures = counted(self.strangers.total(), "picture")
        groups = counted(len(self.strangers), "group")
        count = "counts" if self.strangers.total() == 1 else "count"
        return f"{pictures} of {groups} that the gallery lacks {count} as unknown: {self._shown()}."

    def require(self) -> None:
        """Refuse pictures that are mostly strangers, or whose labels are only spelled otherwise.

        Raises:
            UnmatchedLabelsError: Naming the labels, and the nearest ones of the gallery.
        """
        strangers, total = self.strangers.total(), self.known + self.strangers.total()
        advice = "Correct the labels, or pass pictures of none of its groups with --unknown."
        if strangers > self.known:
            share = f"{strangers} of {total}" if self.known else f"none of {total} has such a label"
            have = " have labels that it lacks" if self.known else ""
            raise UnmatchedLabelsError(
                f"Expected labelled pictures of the gallery's groups, but {share}{have}: "
                f"{self._shown()}. {advice}"
            )
        self.require_spelling(advice)

    def require_spelling(self, advice: str) -> None:
        """Refuse labels that differ from a group's in spelling alone.

        Args:
            advice: What to do about it, one sentence.

        Raises:
            UnmatchedLabelsError: Naming the most frequent one.
        """
        if alike := self._alike():
            label, group = next(iter(alike.items()))
            more = f", and {len(alike) - 1} more such labels" if len(alike) > 1 else ""
            raise UnmatchedLabelsError(
                f"{counted(self.strangers[label], 'picture')} of group {label!r} would count as "
                f"unknown, but there is a group {group!r}, which is probably the same{more}. "
                f"{advice}"
            )

    @cached_property
    def _spelled(self) -> frozenset[str]:
        return frozenset(map(normal, self.groups))

    def _alike(self) -> dict[str, str]:
        """The labels that differ from a group's in spelling alone, the most frequent first."""
        outlines = {outline(group): group for group in self.groups}
        pairs = ((label, outlines.get(outline(label))) for label, _ in self.strangers.most_common())
        return {label: group for label, group in pairs if group is not None}

    def _shown(self) -> str:
        """Quote the most frequent labels, each with its count and the nearest group."""
        shown = [
            f"{label!r} ({count}{meant(label, self.groups)})"
            for label, count in self.strangers.most_common(_SHOWN)
        ]
        more = len(self.strangers) - len(shown)
        return ", ".join(shown) + (f" and {counted(more, 'further group')}" if more else "")
