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
    _require_each("labels", labels, len(queries))
    column: dict[str | None, int] = {normal(name): place for place, name in enumerate(groups)}
    column |= {name: place for place, name in enumerate(groups)}
    own = np.array([column.get(label, NONE) for label in labels], np.int64)
    rows = None if skip is None else _rows_named(index, skip, labels)
    return groups, own, index.grouping.grouped.search(queries, own, rows)


def _rows_named(
    index: CurrentIndex, ids: Sequence[str | None], labels: Sequence[str | None]
) -> Indices:
    """The row of each id, and `NONE` for None."""
    _require_each("skip", ids, len(labels))
    every = index.grouping.labelled
    places = {id: row for row, id in enumerate(index.ids(every).tolist())}
    missing = [id for id in ids if id is not None and id not in places]
    if missing:
        raise ValueError(f"`skip` must name references. Received: {missing[0]!r}.")
    rows = np.array([NONE if id is None else places[id] for id in ids], np.int64)
    for id, row, label in zip(ids, rows.tolist(), labels, strict=True):
        if row != NONE and index.labels(every[row : row + 1])[0] != label:
            raise ValueError(
                f"`skip` must name references of the queries' own groups. Received: {id!r}, which "
                f"is not of group {label!r}."
            )
    return rows


def _require_each(name: str, values: Sequence[object], count: int) -> None:
    if len(values) != count:
        raise ValueError(
            f"`{name}` must have one entry for each of the {count} vectors. "
            f"Received: {len(values)}."
        )
