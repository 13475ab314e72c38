"""Search labelled queries among the groups of a gallery, for calibrations and evaluations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from index.search.current import CurrentIndex
from index.search.nearest_groups import NONE, NearestGroups
from likewise.arrays import Floats, Indices
from likewise.names import normal


def nearest_by_label(
    index: CurrentIndex,
    queries: Floats,
    labels: Sequence[str | None],
    skip: Sequence[str | None] | None,
) -> tuple[list[str], Indices, NearestGroups]:
    """Find how near each query comes to its own group and to the others; see `Gallery`.

    Args:
        index: As of one snapshot.
        queries: `(n, dim)`, float32, as `checked_vectors` returns them.
        labels: Labels of the queries' own groups, n.
        skip: Ids of the references that are left out, n, or None.

    Raises:
        ValueError: If `labels` or `skip` does not fit.
    """
    groups = list(index.grouping.rows)
    require_each("labels", labels, len(queries))
    column: dict[str | None, int] = {normal(name): place for place, name in enumerate(groups)}
    column |= {name: place for place, name in enumerate(groups)}
    own = np.array([column.get(label, NONE) for label in labels], np.int64)
    rows = None if skip is None else _rows_named(index, skip, labels)
    return groups, own, index.grouping.grouped.search(queries, own, rows)


def _rows_named(
    index: CurrentIndex, ids: Sequence[str | None], labels: Sequence[str | None]
) -> Indices:
    """The row of each id, and `NONE` for None."""
    require_each("skip", ids, len(labels))
    every, names = index.grouping.labelled, index.grouping.sorted_ids(index.ids)
    some = np.array([place for place, id in enumerate(ids) if id is not None], np.int64)
    wanted = np.array([id for id in ids if id is not None], object)
    found = np.searchsorted(names.ids, wanted)
    there = names.ids[np.minimum(found, len(every) - 1)] == wanted if len(every) else found < 0
    if not there.all():
        raise ValueError(f"`skip` must name references. Received: {wanted[there.argmin()]!r}.")
    rows = np.full(len(ids), NONE)
    rows[some] = names.places[found]
    own = index.labels(every[rows[some]]) == np.array(labels, object)[some]
    if not own.all():
        odd = int(own.argmin())
        raise ValueError(
            f"`skip` must name references of the queries' own groups. Received: {wanted[odd]!r}, "
            f"which is not of group {labels[some[odd]]!r}."
        )
    return rows


def require_each(name: str, values: Sequence[object], count: int) -> None:
    """Refuse an argument that has not one entry for each query.

    Args:
        name: What it is called.
        values: Its entries.
        count: Number of queries.
    """
    if len(values) != count:
        raise ValueError(
            f"`{name}` must have one entry for each of the {count} vectors. "
            f"Received: {len(values)}."
        )
