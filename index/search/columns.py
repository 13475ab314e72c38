"""The labels and ids of all rows by column, without a Python object for each row."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from index.search.label_table import LabelTable
from index.search.mark import Mark
from likewise.arrays import Indices, Strings
from likewise.names import normal

Hashes = npt.NDArray[np.uint64]
_HASH = 8  # bytes


class Gathered:
    """Names of new rows, as they come.

    Attributes:
        slots: Their slots, ascending.
    """

    def __init__(self) -> None:
        self.slots = array("q")
        self._codes = array("q")
        self._code: dict[str, int] = {}
        self._hashes = bytearray()

    def append(self, slots: Iterable[int], labels: Iterable[str], ids: Iterable[str]) -> None:
        """Append rows.

        Args:
            slots: Their slots, beyond all before.
            labels: Their labels, empty for rows of no group.
            ids: Their ids.
        """
        code = self._code
        self.slots.extend(slots)
        self._codes.extend([code.setdefault(label, len(code)) for label in labels])
        self._hashes += hashed(ids)

    def labels(self) -> list[str]:
        """Their labels, distinct and in order."""
        return sorted(self._code.keys() - {""})

    def codes(self, places: Sequence[int], unlabelled: int) -> Indices:
        """The code of each row.

        Args:
            places: The code of each of `labels`.
            unlabelled: The code of a row of no group.
        """
        code = dict(zip(self.labels(), places, strict=True)) | {"": unlabelled}
        of_each = np.array([code[label] for label in self._code], np.int64)
        return of_each[np.frombuffer(self._codes, np.int64)] if self._codes else of_each[:0]

    def hashes(self) -> Hashes:
        """The hash of each row's id."""
        return np.frombuffer(bytes(self._hashes), "<u8")


@dataclass(frozen=True, eq=False)
class Columns:
    """Labels and ids of n rows of g groups; rows are in the order of slots.

    Attributes:
        mark: Which rows they are.
        slots: Slot of each row, `(n,)`, int64, ascending.
        hashes: Hash of each row's id, `(n,)`, uint64.
        codes: Place of each row's label in `labels`, `(n,)`, int32; g for a row of no group.
        labels: The labels of the groups, g.
    """

    mark: Mark
    slots: Indices
    hashes: Hashes
    codes: npt.NDArray[np.int32]
    labels: LabelTable

    @classmethod
    def empty(cls, mark: Mark) -> Columns:
        """The columns of no rows."""
        none = np.empty(0, np.int64)
        return cls(mark, none, none.astype("<u8"), none.astype(np.int32), LabelTable.of([]))

    def changed(self, removed: Sequence[int], new: Gathered, mark: Mark) -> Columns:
        """The columns after a change.

        Args:
            removed: Slots of rows that are gone, old ones or new ones.
            new: The new rows.
            mark: Which rows there are then.
        """
        slots = np.concatenate([self.slots, np.array(new.slots, np.int64)])
        labels, old, places = self.labels.united(new.labels())
        count = len(labels)
        codes = np.concatenate(
            [np.append(old, count)[self.codes], new.codes(places.tolist(), count)]
        )
        hashes = np.concatenate([self.hashes, new.hashes()])
        if removed:
            kept = np.ones(len(slots), bool)
            kept[np.searchsorted(slots, np.array(removed, np.int64))] = False
            slots, codes, hashes = slots[kept], codes[kept], hashes[kept]
        occurs = np.bincount(codes, minlength=count + 1)[:count] > 0
        if not occurs.all():
            codes = np.append(np.cumsum(occurs) - 1, occurs.sum())[codes]
            labels = labels.only(occurs)
        return Columns(mark, slots, hashes, codes.astype(np.int32), labels)

    def equals(self, other: Columns) -> bool:
        """Whether both hold the same names in the same slots."""
        pairs = (
            (self.slots, other.slots),
            (self.hashes, other.hashes),
            (self.codes, other.codes),
            (self.labels.offsets, other.labels.offsets),
            (self.labels.text, other.labels.text),
        )
        return all(np.array_equal(mine, theirs) for mine, theirs in pairs)

    @cached_property
    def counts(self) -> Indices:
        """How many rows each group has, `(g,)`."""
        return np.bincount(self.codes, minlength=len(self.labels) + 1)[: len(self.labels)]

    @property
    def unlabelled(self) -> Indices:
        """The rows of no group, ascending."""
        return np.flatnonzero(self.codes == len(self.labels))

    @property
    def labelled(self) -> Indices:
        """The rows that are of a group, ascending."""
        return np.flatnonzero(self.codes < len(self.labels))

    def group_of_each(self) -> Indices:
        """The code of each row's label, `(n,)`; -1 for a row of no group."""
        return np.where(self.codes < len(self.labels), self.codes, -1).astype(np.int64)

    def label_of_each(self) -> Strings:
        """The label of each row, `(n,)`; None for a row of no group."""
        return np.array([*self.labels.all(), None], object)[self.codes]

    def rows(self, code: int) -> Indices:
        """The rows of a group, ascending.

        Args:
            code: The place of its label in `labels`.
        """
        order, starts = self._by_group
        return order[starts[code] : starts[code + 1]]

    def rows_with(self, label: str) -> Indices:
        """The rows of the group that a label means; none where there is no such group."""
        code = self.labels.find(self.stored_label(label))
        return np.empty(0, np.int64) if code is None else self.rows(code)

    def stored_label(self, label: str) -> str:
        """The group that a label means, as the gallery spells it; the label itself if none does."""
        if self.labels.find(label) is not None:
            return label
        other = normal(label)
        return self.old_spellings.get(other, label if self.labels.find(other) is None else other)

    @cached_property
    def old_spellings(self) -> dict[str, str]:
        """Labels that are stored in another spelling than today's alone, by today's spelling.

        Where today's spelling is a group too, they are two groups, and it means its own.
        """
        spelled = {normal(label): label for label in self.labels.unusual()}
        return {
            today: label
            for today, label in spelled.items()
            if today != label and self.labels.find(today) is None
        }

    @cached_property
    def _by_group(self) -> tuple[Indices, Indices]:
        """All rows by group, and where each group begins."""
        keys = np.sort((self.codes.astype(np.int64) << 32) | np.arange(len(self.codes)))
        return keys & 0xFFFFFFFF, np.concatenate([np.zeros(1, np.int64), np.cumsum(self.counts)])


def hashed(ids: Iterable[str]) -> bytes:
    """8 bytes for each id."""
    return b"".join([blake2b(id.encode(), digest_size=_HASH).digest() for id in ids])
