"""The one level of folders that divides pictures into groups, and the level that holds splits.

    att_faces/s1/1.pgm    level 1 holds all, level 2 divides: the label is s1
    Greek/alpha/1.png     both divide: refused, as either may be meant

A few pictures that lie elsewhere, a cover beside the folders or one stray file, decide nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from shlex import quote

from embedder.data.split_names import is_split, role_of
from embedder.errors import DatasetError
from embedder.text import counted

_STRAY = 0.2  # the largest share of pictures that may lie less deep than the others
_SPLIT_SHARE = 0.9  # of the pictures lie in folders named as splits, where a level holds these
_SHOWN = 3

Folder = tuple[str, ...]  # the names of folders below the source, outermost first


@dataclass(frozen=True, slots=True)
class Folders:
    """Folders with the number of pictures that lie directly in each.

    Attributes:
        counts: At least one picture each.

    Example:
        >>> folders = Folders({("train", "3"): 5, ("train", "4"): 6})
        >>> folders.label_level("digits")
        2
    """

    counts: dict[Folder, int]

    @classmethod
    def of(cls, paths: Iterable[str]) -> Folders:
        """Count the folders of pictures, whose paths have forward slashes."""
        return cls(dict(Counter(tuple(path.split("/")[:-1]) for path in paths)))

    @property
    def pictures(self) -> int:
        """Number of all pictures."""
        return sum(self.counts.values())

    def names_at(self, level: int) -> Counter[str]:
        """Pictures by the name of their folder at a level, from 1."""
        names: Counter[str] = Counter()
        for folder, count in self.counts.items():
            if len(folder) >= level:
                names[folder[level - 1]] += count
        return names

    def split_level(self) -> int | None:
        """The level whose folders are named as parts of a data set, two of them or more."""
        for level in range(1, self._deepest() + 1):
            names = self.names_at(level)
            splits = {name: count for name, count in names.items() if role_of(name)}
            if len(splits) > 1 and sum(splits.values()) >= _SPLIT_SHARE * names.total():
                return level
        return None

    def at(self, level: int, names: frozenset[str]) -> Folders:
        """Those that lie in folders of these names at a level.

        Args:
            level: Depth of the folder in a path, from 1.
            names: Names that a folder may have there.
        """
        counts = self.counts.items()
        return Folders({f: n for f, n in counts if len(f) >= level and f[level - 1] in names})

    def within(self, split: str) -> tuple[int, frozenset[str]] | None:
        """The level that holds a split, and the folders there that are it; None if there are none.

        Args:
            split: Name of a folder, or `train`, `test`.
        """
        levels = [self.split_level() or 1, *range(1, self._deepest() + 1)]
        for level in levels:
            names = frozenset(name for name in self.names_at(level) if is_split(name, split))
            if names:
                return level, frozenset({split}) if split in names else names
        return None

    def label_level(self, source: str, ignored: int | None = None) -> int | None:
        """The level whose folders are the labels; None where pictures lie in no folders.

        Args:
            source: Name of the source, for the message.
            ignored: A level that holds splits.

        Raises:
            DatasetError: If two levels divide the pictures; it shows both.
        """
        depth = self._depth()
        levels = [level for level in range(1, depth + 1) if level != ignored]
        dividing = [level for level in levels if self._divides(level, depth)]
        if len(dividing) > 1:
            raise DatasetError(self._unclear(source, dividing))
        plain = (level for level in levels if not all(map(role_of, self.names_at(level))))
        return dividing[0] if dividing else next(plain, None)

    def _divides(self, level: int, depth: int) -> bool:
        """Whether a level has two folders, one more than what a single stray picture makes."""
        deep = Folders({f: count for f, count in self.counts.items() if len(f) >= depth})
        if len(deep.names_at(level)) > 1:
            return True
        names = self.names_at(level)
        return names.total() - max(names.values(), default=0) > 1

    def _depth(self) -> int:
        """The deepest level that nearly all pictures reach."""
        most = _STRAY * self.pictures
        levels = range(self._deepest(), 0, -1)
        return next((level for level in levels if self._shallow(level) <= most), 0)

    def _shallow(self, level: int) -> int:
        """Pictures less deep than a level, but for one beside other folders, as a cover lies."""
        above = {folder[:depth] for folder in self.counts for depth in range(len(folder))}
        return sum(
            count - (folder in above)
            for folder, count in self.counts.items()
            if len(folder) < level
        )

    def _deepest(self) -> int:
        return max(map(len, self.counts), default=0)

    def _unclear(self, source: str, levels: Sequence[int]) -> str:
        shown = ["; ".join(self._described(level) for level in levels)]
        commands = [f"--label-level {level}" for level in levels]
        first, second = levels[0], levels[1]
        together = {folder[first - 1 : second] for folder in self.counts if len(folder) >= second}
        if len(together) > len(self.names_at(second)) and second == first + 1:
            pattern = "/".join(["[^/]+"] * (first - 1) + ["(?P<label>[^/]+/[^/]+)"])
            shown.append(f"; both together: {counted(len(together), 'group')}")
            commands.append(f"--label-from {quote(f'^{pattern}/')}")
        return (
            f"{source} is divided by folders at more than one level, so that it is unclear which "
            f"are the labels. {''.join(shown)}. Say which: {', or '.join(commands)}."
        )

    def _described(self, level: int) -> str:
        names = self.names_at(level)
        return (
            f"Level {level}: {counted(len(names), 'group')} of "
            f"{counted(names.total(), 'picture')}, as {shortened(sorted(names))}"
        )


def shortened(names: Sequence[str]) -> str:
    """Name the first few.

    Example:
        >>> shortened(["a", "b"]), shortened([*"abcdef"])
        ('a, b', 'a, b, c and 3 more')
    """
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
