"""Labels in order as one UTF-8 text, to be mapped from a file: a million take no Python objects."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import overload

import numpy as np

from likewise.arrays import Bools, Indices, Pixels

_FEW = 64  # labels that are looked up in the text; more, in a list of all
_LAST_ASCII = 0x7F
_LAST_SPACE = 0x20
_HIGH, _FURTHER = 0xC0, 0x80  # UTF-8: these bits of a byte are so where it begins no character


class LabelTable(Sequence[str]):
    """Distinct labels in order; UTF-8 has the order of code points, as Python's strings do.

    Only `place`, `find` and `united` need that order: the ids of rows are kept so too.

    Args:
        offsets: Where each of the g labels begins in `text`, and its length, `(g + 1,)`, int64.
        text: All labels, UTF-8, uint8.

    Example:
        >>> table, old, new = LabelTable.of(["cat", "eel"]).united(["ape", "cat", "dog"])
        >>> list(table), old.tolist(), new.tolist()
        (['ape', 'cat', 'dog', 'eel'], [1, 3], [0, 1, 2])
    """

    def __init__(self, offsets: Indices, text: Pixels) -> None:
        self.offsets = offsets
        self.text = text

    @classmethod
    def of(cls, labels: Sequence[str]) -> LabelTable:
        """The table of distinct labels in order."""
        encoded = [label.encode() for label in labels]
        return cls(
            _offsets(np.array(list(map(len, encoded)), np.int64)),
            np.frombuffer(b"".join(encoded), np.uint8),
        )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, code: int) -> str: ...
    @overload
    def __getitem__(self, code: slice) -> list[str]: ...
    def __getitem__(self, code: int | slice) -> str | list[str]:
        if isinstance(code, slice):
            start, end, step = code.indices(len(self))
            if step != 1:
                return [self[each] for each in range(start, end, step)]
            return self._span(start, max(start, end))
        if not 0 <= code < len(self):
            raise IndexError(code)
        start, end = self.offsets[code : code + 2].tolist()
        return self.text[start:end].tobytes().decode()

    def all(self) -> list[str]:
        """All labels, a million in a quarter of a second."""
        return self[:]

    def place(self, label: str) -> int:
        """The number of labels that come before this one."""
        return bisect_left(self, label)

    def find(self, label: str) -> int | None:
        """The place of a label; None if it is not in the table."""
        place = self.place(label)
        return place if place < len(self) and self[place] == label else None

    def united(self, labels: Sequence[str]) -> tuple[LabelTable, Indices, Indices]:
        """The table with further labels.

        Args:
            labels: Distinct, in order; some may be in the table.

        Returns:
            The table, and the places in it of the older labels and of `labels`.
        """
        known: Sequence[str] = self if len(labels) < _FEW else self.all()
        places = np.array([bisect_left(known, label) for label in labels], np.int64)
        is_new = np.array(
            [
                place == len(known) or known[place] != label
                for place, label in zip(places.tolist(), labels, strict=True)
            ],
            bool,
        )
        before = np.cumsum(is_new) - is_new  # new ones before each
        at = places[is_new]
        codes = np.arange(len(self))
        codes += np.searchsorted(at, codes, side="right")
        if not len(at):
            return self, codes, places
        added = [label.encode() for label, new in zip(labels, is_new.tolist(), strict=True) if new]
        sizes = np.array(list(map(len, added)), np.int64)
        letters = np.frombuffer(b"".join(added), np.uint8)
        lengths = np.insert(np.diff(self.offsets), at, sizes)
        text = np.insert(self.text, np.repeat(self.offsets[at], sizes), letters)
        return LabelTable(_offsets(lengths), text), codes, places + before

    def only(self, kept: Bools) -> LabelTable:
        """The table of the labels that are `kept`, `(g,)`."""
        lengths = np.diff(self.offsets)
        return LabelTable(_offsets(lengths[kept]), self.text[np.repeat(kept, lengths)])

    def followed_by(self, others: Sequence[LabelTable]) -> LabelTable:
        """All texts of several tables, one table after the other."""
        tables = [self, *others]
        lengths = np.concatenate([np.diff(table.offsets) for table in tables])
        return LabelTable(_offsets(lengths), np.concatenate([table.text for table in tables]))

    def _span(self, start: int, end: int) -> list[str]:
        """The labels from one place to another, decoded as one text and cut."""
        ends = self.offsets[start : end + 1] - self.offsets[start]
        text = self.text[self.offsets[start] : self.offsets[end]]
        further = np.flatnonzero((text & _HIGH) == _FURTHER)
        ends -= np.searchsorted(further, ends)  # from bytes to characters
        whole = text.tobytes().decode()
        return [whole[first:last] for first, last in pairwise(ends.tolist())]

    def unusual(self) -> list[str]:
        """The labels that begin or end with a space, or are not plain ASCII."""
        if not len(self):
            return []
        starts, ends = self.offsets[:-1], self.offsets[1:] - 1
        unusual = np.maximum.reduceat(self.text, starts) > _LAST_ASCII
        unusual |= (self.text[starts] <= _LAST_SPACE) | (self.text[ends] <= _LAST_SPACE)
        return [self[code] for code in np.flatnonzero(unusual).tolist()]


def _offsets(lengths: Indices) -> Indices:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
