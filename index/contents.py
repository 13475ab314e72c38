"""What a gallery holds: the references themselves, one by one and all of them.

Groups and pages are in `listing`. Does not open, search or change a gallery (`gallery`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from index.arguments import checked_strings
from index.documents import Documents, search_setting
from index.errors import ReferenceNotFoundError, StoreError
from index.listing import Listing
from index.points import OperatingPoints
from index.references.rows import Reference, Row, stacked
from index.search.searcher import Searcher
from index.search.setting import EXACT, SearchSetting
from index.search.verification import require_same
from likewise.arrays import Floats, Indices, Strings
from likewise.names import forms

if TYPE_CHECKING:
    from index.searched import HowSearched


class Contents(Listing):
    """The references of a gallery, each method as of one snapshot.

    Attributes:
        dim: Length of the vectors.
        points: The operating points.
    """

    dim: int
    points: OperatingPoints
    _documents: Documents
    _searcher: Searcher
    _read_setting: tuple[object, SearchSetting] = (None, EXACT)  # of the fields that were read

    @property
    def search_setting(self) -> SearchSetting:
        """How the gallery is searched, as its owner chose."""
        fields = self._documents.current()
        if fields is not self._read_setting[0]:
            self._read_setting = fields, search_setting(self._documents.name, fields)
        return self._read_setting[1]

    def require_groups(self) -> None:
        """Refuse a gallery none of whose references has a label.

        Raises:
            NoGroupsError: If there are references, and none is of a group.
        """
        self.points.require_groups()

    def verify(self) -> None:
        """Verify every row, picture and file; a `StoreError` names what was altered and how."""
        self.points.verify()
        with self._store.reading() as state:
            self._store.verify()
            with self._index.reading() as index:
                rows = index.names.compared(state, self._store.rows())
                require_same(index, rows, self.path)

    def require_in_place(self) -> None:
        """Refuse a gallery that was moved, removed or replaced, as every query and change does.

        Raises:
            ReplacedError: If another gallery, or none, is at its path.
        """
        self._store.require_in_place()

    def require_reachable(self) -> None:
        """Refuse a gallery whose store cannot be read now: a database may be away.

        Raises:
            StoreError: Why it cannot.
        """
        with self._store.reading():
            pass
        self._searcher.require_ready()

    def __len__(self) -> int:
        return self._store.state().count

    def __contains__(self, id: object) -> bool:
        if not isinstance(id, str):
            return False
        return bool(self._rows_named([id]))

    def ids(self, label: str | None = None) -> Iterator[str]:
        """All ids, or those of the group that a label means, in the order of adding."""
        with self._store.reading():
            rows = self._rows()
            wanted = None if label is None else self.stored_label(label)
        return iter([row.id for row in rows if wanted is None or row.group == wanted])

    def how_searched(self) -> HowSearched:
        """How references are searched: what the owner chose, and what was measured of it."""
        from index.searched import how_searched  # not for a cold query

        return how_searched(self.path, self.search_setting, len(self))

    def named(self, ids: Sequence[str]) -> dict[str, Reference]:
        """The existing references among these ids, in any spelling, without pictures."""
        return {id: self._reference(row) for id, row in self._rows_named(ids).items()}

    def get(self, id: str) -> Reference:
        """The reference with this id.

        Raises:
            ReferenceNotFoundError: If there is none; also a KeyError.
        """
        with self._store.reading():
            for row in self._rows_named([id]).values():
                return self._reference(row, self._store.picture(row))
        raise ReferenceNotFoundError(f"Gallery '{self.place}' has no reference '{id}'.")

    def batches(self, size: int) -> Iterator[list[Reference]]:
        """All references with their pictures, oldest first, read from the store and verified.

        Args:
            size: References at a time, >= 1.
        """
        with self._store.reading():
            rows = self._store.rows()
            while batch := list(islice(rows, size)):
                yield [self._reference(row, self._store.picture(row)) for row in batch]

    def without_picture(self) -> list[str]:
        """Ids of the references that were added as vectors alone, oldest first."""
        with self._store.reading():
            return [row.id for row in self._store.rows() if row.picture_digest is None]

    def references(self) -> tuple[Strings, Strings, Floats]:
        """Ids `(n,)`, labels `(n,)` and vectors `(n, dim)` of all references, oldest first."""
        with self._store.reading():  # the next change moves the vectors that are copied
            ids, labels, vectors = self._searcher.references(None)
            return ids, labels, vectors.copy()

    def chosen(self, choose: Callable[[Strings], Indices]) -> tuple[Strings, Strings, Floats]:
        """Ids `(m,)`, labels `(m,)` and vectors `(m, dim)` of some references.

        Args:
            choose: Called with the labels of all references, `(n,)`, oldest first, None for those
                without a group; returns m of their places.
        """
        with self._store.reading() as state:
            rows = choose(self._index.names.of(state).label_of_each())
            return self._searcher.references(rows)

    def labelled_rows(self) -> tuple[Indices, Strings]:
        """Places `(n,)` and labels `(n,)` of the references that are of a group, oldest first."""
        with self._store.reading() as state:
            names = self._index.names.of(state)
            return names.labelled, names.label_of_each()[names.labelled]

    def references_at(self, rows: Indices) -> tuple[Strings, Strings, Floats]:
        """Ids `(m,)`, labels `(m,)` and vectors `(m, dim)` of some references, in this order.

        Args:
            rows: Their places, oldest first, as of the caller's snapshot, `(m,)`.
        """
        return self._searcher.references(rows)

    def vectors_at(self, rows: Indices) -> Floats:
        """Vectors of some references, `(m, dim)`, in this order.

        Args:
            rows: As for `references_at`.
        """
        return self._searcher.vectors(rows)

    def labelled_references(self) -> tuple[Strings, Strings, Floats]:
        """The same of the references that are of a group."""
        with self._store.reading() as state:
            return self._searcher.references(self._index.names.of(state).labelled)

    def stored(self) -> tuple[Strings, Strings, Floats]:
        """The same, read from the store and verified row by row, to check searches against."""
        rows = self._rows()
        vectors = stacked(rows, self.dim, self._store.path).copy()
        names = np.array([(row.id, row.group) for row in rows], object).reshape(-1, 2)
        return names[:, 0], names[:, 1], vectors

    def vectors_of(self, contents: Sequence[bytes]) -> dict[bytes, Floats]:
        """Vectors, `(dim,)` float32, of the pictures that are embedded already, by content hash."""
        rows = self._store.with_contents(list(dict.fromkeys(contents)))
        return {row.content: self._reference(row).vector for row in rows if row.content is not None}

    def read_names(self, at_once: int = 4096) -> None:
        """Read ids and labels now, in batches, so that answers do not wait; of a small gallery.

        Other threads wait for at most `at_once` rows.

        Raises:
            StoreError: If the store is altered.
        """
        self._searcher.read_names(at_once)

    def _rows_named(self, ids: Sequence[str]) -> dict[str, Row]:
        """The row of each existing id: spelled as it is, else composed or decomposed."""
        every = spellings(checked_strings("ids", ids))
        return as_asked(every, self._store.named(list(chain(*every.values()))))

    def _spelled(self, ids: Sequence[str]) -> list[str]:
        """These ids, and those that are stored in another spelling."""
        return list(dict.fromkeys([*ids, *(row.id for row in self._rows_named(ids).values())]))

    def _reference(self, row: Row, picture: bytes | None = None) -> Reference:
        """A row as callers see it.

        Raises:
            StoreError: If it is intact, but not as this gallery writes it.
        """
        stacked([row], self.dim, self._store.path)
        try:
            return row.reference(picture)
        except ValueError as error:
            raise StoreError(
                f"'{self._store.path}' was not written by likewise: reference '{row.id}': {error}."
                " Restore it from a backup, or build the gallery again."
            ) from error

    def _rows(self) -> list[Row]:
        """All rows, verified, and their number checked against the state."""
        with self._store.reading() as state:
            rows = list(self._store.rows())
        if len(rows) != state.count:
            raise StoreError(
                f"'{self._store.path}' was altered: another program added or removed rows."
            )
        return rows


def spellings(ids: Iterable[str]) -> dict[str, list[str]]:
    """Every spelling under which each of some ids may be stored, the id itself first.

    Args:
        ids: The ids, each in one spelling or another.
    """
    return {id: [id, *sorted(forms(id) - {id})] for id in ids}


def as_asked(every: Mapping[str, Sequence[str]], rows: Iterable[Row]) -> dict[str, Row]:
    """The row of each id that was asked for, in whatever spelling it is stored.

    Args:
        every: The ids, as `spellings` returns them.
        rows: The rows that have one of these.
    """
    stored = {row.id: row for row in rows}
    found = ((id, next(filter(None, map(stored.get, names)), None)) for id, names in every.items())
    return {id: row for id, row in (found if stored else ()) if row is not None}
