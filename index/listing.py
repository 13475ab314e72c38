"""What there is in a gallery: its groups with their counts, and pages of groups and references.

Answers from the names that are kept by column, and reads only the rows that it returns.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from index.address import Place
from index.references.contract import ReferenceStore
from index.search.current import CurrentIndex
from likewise.arrays import Indices

if TYPE_CHECKING:
    from index.search.old_spellings import OldSpellings


class GroupEntry(NamedTuple):
    """One group in a list of groups.

    Attributes:
        label: Its label.
        size: How many references it has.
        samples: Ids of some of them, spread over the group, oldest first.
    """

    label: str
    size: int
    samples: list[str]


class Listing:
    """The groups of a gallery, each method as of one snapshot.

    Attributes:
        place: Where it is: its directory, or its address in a database.
        path: Its directory; of a gallery in a database, that of its local copies.
    """

    place: Place
    path: Path
    _store: ReferenceStore
    _index: CurrentIndex

    @property
    def labels(self) -> dict[str, int]:
        """How many references each group has, labels in order."""
        return self.groups()

    def groups(self) -> dict[str, int]:
        """The same as `labels`."""
        with self._store.reading() as state:
            names = self._index.names.of(state)
            return dict(zip(names.labels.all(), names.counts.tolist(), strict=True))

    def group_parts(self, size: int) -> Iterator[dict[str, int]]:
        """The same in parts: one dictionary of a million labels takes several times as long.

        Args:
            size: Groups in a part, >= 1.
        """
        with self._store.reading() as state:
            names = self._index.names.of(state)
            for start in range(0, len(names.labels), size):
                part = slice(start, start + size)
                yield dict(zip(names.labels[part], names.counts[part].tolist(), strict=True))

    def group_page(
        self, *, limit: int | None, after: str | None = None, samples: int = 0
    ) -> tuple[list[GroupEntry], str | None]:
        """One page of groups, in the order of their labels.

        Args:
            limit: Groups per page, >= 1; None for all.
            after: Second value of the previous page; None for the first page.
            samples: Largest number of sample ids of each group, >= 0.

        Returns:
            The groups, and the `after` of the next page, None after the last.

        Example:
            >>> import tempfile
            >>> from index.gallery import Gallery
            >>> path = Path(tempfile.mkdtemp(), "p")
            >>> with Gallery.create(path, dim=2, fingerprint="3f9a1c") as gallery:
            ...     gallery.add(["b", "a"], np.eye(2, dtype=np.float32), ["cat", "dog"])
            ...     gallery.group_page(limit=1, samples=1)
            ([GroupEntry(label='cat', size=1, samples=['b'])], 'cat')
        """
        with self._store.reading() as state:
            names = self._index.names.of(state)
            start = 0 if after is None else names.labels.place(after)
            start += start < len(names.labels) and names.labels[start] == after
            end = len(names.labels) if limit is None else min(start + limit, len(names.labels))
            labels, counts = names.labels[start:end], names.counts[start:end].tolist()
            slots = [
                names.slots[_spread(names.rows(code), samples)].tolist()
                for code in range(start, end if samples else start)
            ]
            ids = self._ids_at([slot for every in slots for slot in every])
            named = [[ids[slot] for slot in every] for every in slots] or [[] for _ in labels]
            last = labels[-1] if end < len(names.labels) else None
            return list(map(GroupEntry, labels, counts, named)), last

    def stored_label(self, label: str) -> str:
        """The group that a label means, as it was stored; the label itself where there is none."""
        with self._store.reading() as state:
            return self._index.names.of(state).stored_label(label)

    def has_group(self, label: str) -> bool:
        """Whether a reference has this label, in whatever spelling it was stored."""
        with self._store.reading() as state:
            names = self._index.names.of(state)
            return names.labels.find(names.stored_label(label)) is not None

    def old_spellings(self) -> dict[str, str]:
        """Labels that earlier versions stored in another spelling alone, by today's spelling."""
        with self._store.reading() as state:
            return self._old_spellings.of(state)

    @cached_property
    def _old_spellings(self) -> OldSpellings:
        from index.search.old_spellings import OldSpellings  # additions alone need it

        return OldSpellings(self._store, self._index.names)

    def count_groups(self) -> int:
        """Count the groups, without reading all references."""
        with self._store.reading() as state:
            names = self._index.names.known(state)
            return len(self._store.labels() if names is None else names.labels)

    def count_unlabelled(self) -> int:
        """Count the references without a group."""
        with self._store.reading() as state:
            names = self._index.names.known(state)
            if names is None:
                return self._store.count_unlabelled()
            return state.count - int(names.counts.sum())

    def samples(self, label: str, count: int) -> list[str]:
        """Ids of up to `count` references of a group, spread over it, oldest first.

        Args:
            label: The group.
            count: Largest number of ids, >= 0.
        """
        with self._store.reading() as state:
            names = self._index.names.of(state)
            slots = names.slots[_spread(names.rows_with(label), count)].tolist()
            ids = self._ids_at(slots)
            return [ids[slot] for slot in slots]

    def page(
        self, *, limit: int, after: int = 0, label: str | None = None, unlabelled: bool = False
    ) -> tuple[list[tuple[str, str | None]], int | None]:
        """One page of ids and labels, in the order in which references were added.

        Additions and removals between two calls do not shift the other pages.

        Args:
            limit: References per page, >= 1.
            after: Second value of the previous page; 0 for the first page.
            label: Restrict the page to this group.
            unlabelled: Restrict it to the references without a group.

        Returns:
            Pairs of id and label, and the `after` of the next page, None after the last.

        Example:
            >>> import tempfile
            >>> from index.gallery import Gallery
            >>> folder = tempfile.TemporaryDirectory()
            >>> with Gallery.create(Path(folder.name, "p"), dim=2, fingerprint="3f9a1c") as gallery:
            ...     gallery.add(["b", "a"], np.eye(2, dtype=np.float32), ["cat", "dog"])
            ...     gallery.page(limit=1), gallery.page(limit=1, after=1)
            (([('b', 'cat')], 1), ([('a', 'dog')], None))
            >>> folder.cleanup()
        """
        with self._store.reading() as state:
            if label is None and not unlabelled:
                left = list(islice(self._store.rows(after), limit + 1))
            else:
                names = self._index.names.of(state)
                every = names.unlabelled if label is None else names.rows_with(label)
                first = np.searchsorted(every, np.searchsorted(names.slots, after, "right"))
                slots = names.slots[every[first : first + limit + 1]].tolist()
                left = sorted(self._store.at(slots), key=lambda row: row.slot)
        rows = left[:limit]
        last = rows[-1].slot if len(left) > limit else None
        return [(row.id, row.group) for row in rows], last

    def _ids_at(self, slots: list[int]) -> dict[int, str]:
        """The ids of the references at these slots."""
        return {row.slot: row.id for row in self._store.at(slots)}


def _spread(rows: Indices, count: int) -> Indices:
    """Up to `count` of the rows, spread over them."""
    most = min(count, len(rows))
    return rows[np.linspace(0, len(rows), most, endpoint=False, dtype=np.int64)]
