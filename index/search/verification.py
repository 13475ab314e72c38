"""Verify that an index answers with what the references hold: slot, id, label and vector."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from index.errors import StoreError
from index.references.rows import Row
from index.search.current import CurrentIndex
from likewise.arrays import Floats, Indices

_AT_ONCE = 4096
_IN_CACHE = 1024  # vectors in float64 at a time


def require_same(index: CurrentIndex, rows: Iterator[Row], directory: Path) -> None:
    """Refuse an index that answers for a reference with anything other than the store holds.

    Args:
        index: Within its `reading`.
        rows: All references of the same snapshot, in the order of slots.
        directory: The gallery's directory, for the message.

    Raises:
        StoreError: Naming the first reference that differs, and how many do.
    """
    wrong: list[str] = []
    start = 0
    while batch := list(islice(rows, _AT_ONCE)):
        places = np.arange(start, start + len(batch))
        if places[-1] >= len(index.slots):
            raise _differing(directory, "references", f"after '{batch[0].id}' are missing")
        stored = np.frombuffer(b"".join(row.vector for row in batch), "<u4")
        held = np.ascontiguousarray(index.exact.stored[places]).view("<u4")
        differs = (held != stored.reshape(held.shape)).any(axis=1)
        differs |= index.slots[places] != [row.slot for row in batch]
        if not differs.any():  # else there need not be names for its slots
            differs |= index.ids(places) != np.array([row.id for row in batch], object)
            differs |= index.labels(places) != np.array([row.group for row in batch], object)
        wrong += [batch[place].id for place in np.flatnonzero(differs).tolist()]
        start += len(batch)
    if start != len(index.slots):
        raise _differing(directory, len(index.slots) - start, "rows are of no reference")
    if wrong:
        what = f"references answer as others, the first is '{wrong[0]}'"
        raise _differing(directory, len(wrong), what)


def least_distances(vectors: Floats, sample: Indices, k: int) -> Floats:
    """The k least distances of some vectors to all, by definition, in float64.

    Args:
        vectors: All vectors, `(m, dim)`, float32.
        sample: Rows of those that are compared with all, `(n,)`.
        k: From 1 to m.

    Returns:
        Distances, `(n, k)`, float32, ascending; the vector's own 0.0 is among them.
    """
    squares = np.full((len(sample), k), np.inf)
    for start in range(0, len(vectors), _IN_CACHE):
        part = vectors[start : start + _IN_CACHE].astype(np.float64)
        for place, row in enumerate(sample.tolist()):
            gaps = part - vectors[row]
            every = np.concatenate([squares[place], np.einsum("ij,ij->i", gaps, gaps)])
            squares[place] = np.partition(every, k - 1)[:k]
    least: Floats = np.sqrt(np.sort(squares, axis=1)).astype(np.float32)
    return least


def _differing(directory: Path, count: object, what: str) -> StoreError:
    return StoreError(
        f"'{directory / 'vectors.faiss'}' does not match the references: {count} {what}. Delete "
        "it: it is then rebuilt from them."
    )
