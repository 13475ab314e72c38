"""A few queries of a process that has not read the vectors: answered from what lies near them.

The file of bounds says which references may be among the k nearest. Their vectors and names are
read from the store, each with its checksum. What changed since the file was written is compared one
by one. So the answer is that of a scan of all vectors, to the bit; where it would take too much
reading there is none, and the caller reads the vectors.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from index.neighbours import Neighbours
from index.references.contract import ReferenceStore
from index.references.rows import State
from index.search.checked import check_k
from index.search.setting import BOUNDS
from likewise.arrays import Floats

if TYPE_CHECKING:
    from index.search.near_rows import Found, NearRows

_TOGETHER = 8  # queries of one call
_REPAID = 32  # queries that cost as much as reading all vectors


class Unloaded:
    """Answers of a gallery whose vectors are not read; the caller holds the store's lock.

    Args:
        directory: The gallery's directory.
        dim: Length of the vectors.
        store: The references.

    Attributes:
        is_damaged: Whether a query found the file to be damaged, foreign or of too old a state.
    """

    def __init__(self, directory: Path, dim: int, store: ReferenceStore) -> None:
        self._directory, self._dim, self._store = directory, dim, store
        self.is_damaged = False
        self._asked = 0
        self._state: State | None = None  # of `_near`
        self._near: NearRows | None = None

    @property
    def is_there(self) -> bool:
        """Whether the next query may be answered."""
        return self._asked < _REPAID and (self._directory / BOUNDS).exists()

    def nearest(self, state: State, queries: Floats, k: int) -> Neighbours | None:
        """The k nearest references of each query, exactly; None where vectors are to be read.

        Args:
            state: The snapshot that the caller holds.
            queries: `(n, dim)`, float32, as `checked_vectors` returns them.
            k: From 1 to the number of references.
        """
        self._asked += len(queries)
        if len(queries) > _TOGETHER or self._asked > _REPAID:
            self.forget()
            return None
        check_k(k, state.count, None)
        if state != self._state:
            self._open(state)
        if self._near is None:
            return None
        answers = [self._near.nearest(query, k) for query in queries]
        self.is_damaged |= self._near.is_damaged
        found = [answer for answer in answers if answer is not None]
        return None if len(found) < len(answers) else _joined(found, k)

    def forget(self) -> None:
        """Close the file."""
        if self._near is not None:
            self._near.close()
        self._state = self._near = None

    def _open(self, state: State) -> None:
        """Open the file as it is now."""
        self.forget()
        self._state = state
        if (self._directory / BOUNDS).exists():
            from index.search.near_rows import NearRows  # not for galleries without the file

            self._near = NearRows.open(self._directory, self._dim, self._store, state)
            self.is_damaged |= self._near is None


def _joined(found: list[Found], k: int) -> Neighbours:
    """The answers of several queries as arrays, `(n, k)`."""
    names = np.empty((2, len(found), k), object)
    distances = np.empty((len(found), k), np.float32)
    for query, nearest in enumerate(found):
        distances[query] = [distance for distance, _ in nearest]
        names[0, query] = [row.id for _, row in nearest]
        names[1, query] = [row.group for _, row in nearest]
    return Neighbours(names[0], names[1], distances)
