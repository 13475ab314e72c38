"""The references near a query, found by the bounds of cells and read from the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from index.references.contract import ReferenceStore
from index.references.rows import Row, State, stacked
from index.search.bounds import UP, Bounds
from index.search.cells import lengths
from index.search.faiss_calls import TINY, exact_distances, may_round_to
from index.search.kept_bounds import DamagedError, KeptBounds, KeptRows
from index.search.since import Since, changes_since
from likewise.arrays import Doubles, Floats, Indices

Found = list[tuple[float, Row]]  # by distance, then id

_AT_ONCE = 128  # candidates read at a time, the most likely ones first
_MOST = 4096  # candidates after the first ones: reading more takes as long as all vectors


class NearRows:
    """The references at one snapshot, of which only those near a query are read.

    Args:
        kept: The cells of those that the file holds.
        since: What changed since.
        dim: Length of the vectors.
        store: The references.

    Attributes:
        is_damaged: Whether the file was found to be damaged.
    """

    def __init__(self, kept: KeptBounds, since: Since, dim: int, store: ReferenceStore) -> None:
        self._kept, self._dim, self._store = kept, dim, store
        self.is_damaged = False
        self._gone = np.array(sorted(since.gone), np.int64)
        self._new = since.new

    @classmethod
    def open(
        cls, directory: Path, dim: int, store: ReferenceStore, state: State
    ) -> NearRows | None:
        """Open the file of a gallery; None where it is none, damaged or of too old a state.

        Args:
            directory: The gallery's directory.
            dim: Length of its vectors.
            store: The references.
            state: The snapshot that the caller holds.
        """
        kept = KeptBounds.open(directory)
        if kept is None:
            return None
        since = changes_since(kept.mark, store, state)
        if since is None or kept.outline.centroids.shape[1] != dim:
            kept.close()
            return None
        return cls(kept, since, dim, store)

    def close(self) -> None:
        """Close the file."""
        self._kept.close()

    def nearest(self, query: Floats, k: int) -> Found | None:
        """The k nearest references; None where the file is damaged, or too many may be near.

        Args:
            query: `(dim,)`, float32.
            k: From 1 to the number of references.
        """
        try:
            return self._nearest(query, k)
        except (OSError, DamagedError):
            self.is_damaged = True
            return None

    def _nearest(self, query: Floats, k: int) -> Found | None:
        bounds = Bounds(self._kept.outline, query[None])
        found = self._measured(query, self._store.at(self._first(bounds, k).tolist()))
        found = _nearest_of([*found, *self._measured(query, self._new)], k)
        slots, least = self._within(bounds, query, _limit(found))
        order = least.argsort(kind="stable")
        slots, least, start = slots[order], least[order], 0
        while (end := int(least.searchsorted(_limit(found), "right"))) > start:
            if start and end - start > _MOST:
                return None  # the most likely rows are read, so the limit will hardly shrink
            rows = self._store.at(slots[start : min(end, start + _AT_ONCE)].tolist())
            found = _nearest_of(_united(found, self._measured(query, rows)), k)
            start += _AT_ONCE
        return found

    def _first(self, bounds: Bounds, k: int) -> Indices:
        """Slots of k rows in the nearest cells, to begin with; of all rows where these are less."""
        slots, squares, count = [np.empty(0, np.int64)], [np.empty(0, np.float32)], 0
        for cell in bounds.squared[0].argsort(kind="stable").tolist():
            rows = self._rows(cell)
            slots.append(rows.slots)
            squares.append(self._squares(bounds, cell, rows.short))
            count += len(rows.slots)
            if count >= k:
                break
        order = np.concatenate(squares).argsort(kind="stable")[:k]
        return np.concatenate(slots)[order]

    def _within(self, bounds: Bounds, query: Floats, limit: float) -> tuple[Indices, Doubles]:
        """Slots of the rows that may lie within a distance, and their least possible distances."""
        slots, least = [np.empty(0, np.int64)], [np.empty(0)]
        near = np.flatnonzero(bounds.near(np.array([limit]))[0])
        for cell, ring in zip(near.tolist(), bounds.rings(query, near, limit), strict=True):
            rows = self._rows(cell)
            span = slice(*rows.inner.searchsorted(ring).tolist())
            squares = self._squares(bounds, cell, rows.short[span]).astype(np.float64)
            own = lengths(bounds.offsets(np.zeros(1, np.int64), cell))
            distances = np.sqrt(np.maximum(squares - TINY, 0) / UP) - bounds.slack(0, cell, own)
            inside = distances <= limit
            slots.append(rows.slots[span][inside])
            least.append(distances[inside])
        return np.concatenate(slots), np.concatenate(least)

    def _squares(self, bounds: Bounds, cell: int, short: Floats) -> Floats:
        """Squared short distances of the query to rows of a cell, `(n,)`."""
        gaps = short - bounds.offsets(np.zeros(1, np.int64), cell)
        squares: Floats = np.einsum("nm,nm->n", gaps, gaps)
        return squares

    def _rows(self, cell: int) -> KeptRows:
        """The rows of a cell that are still there."""
        rows = self._kept.rows(cell)
        if not len(self._gone):
            return rows
        stays = ~np.isin(rows.slots, self._gone)
        return KeptRows(rows.inner[stays], rows.slots[stays], rows.short[stays])

    def _measured(self, query: Floats, rows: Sequence[Row]) -> Found:
        """Rows with their exact distances, in no order."""
        if not rows:
            return []
        vectors = stacked(rows, self._dim, self._store.path)
        [distances] = exact_distances(vectors, query[None], np.arange(len(rows))[None])
        return list(zip(distances.tolist(), rows, strict=True))


def _limit(found: Found) -> float:
    """The distance up to which a row may belong to the answer."""
    return float(np.sqrt(may_round_to(np.array([found[-1][0]], np.float32)))[0])


def _united(found: Found, more: Found) -> Found:
    """Both, each row once."""
    return list({row.slot: (distance, row) for distance, row in (*found, *more)}.values())


def _nearest_of(rows: Iterable[tuple[float, Row]], k: int) -> Found:
    """The k nearest of rows with their distances, equal ones ordered by id."""
    return sorted(rows, key=lambda pair: (pair[0], pair[1].id))[:k]
