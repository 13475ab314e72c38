"""Exact search of a divided index: by bundles, the rest by cells, and what is left by a scan."""

from __future__ import annotations

from index.search.bundles import Bundles
from index.search.by_bundles import nearest_by_bundles
from index.search.by_cells import nearest_by_cells
from index.search.by_parts import Flat
from index.search.cells import Cells
from index.search.ties import Namer
from likewise.arrays import Floats, Indices


def nearest_divided(
    bundles: Bundles | None,
    cells: Cells | None,
    stored: Floats,
    queries: Floats,
    k: int,
    namer: Namer,
    flat: Flat,
) -> tuple[Indices, Floats]:
    """The k nearest rows of each query, exactly; see `ExactIndex.nearest`.

    Args:
        bundles: Bundles of all rows, if they are to be used.
        cells: Cells of all rows, if they are to be used.
        stored: The rows, `(m, dim)`, float32.
        queries: `(n, dim)`, float32.
        k: Neighbours that are wanted, 1 to m.
        namer: Returns the rows' ids, which order equal distances.
        flat: Searches the queries that neither helps.
    """

    def by_cells(queries: Floats, k: int, namer: Namer) -> tuple[Indices, Floats]:
        if cells is None:
            return flat(queries, k, namer)
        return nearest_by_cells(cells, stored, queries, k, namer, flat)

    if bundles is None:
        return by_cells(queries, k, namer)
    return nearest_by_bundles(bundles, stored, queries, k, namer, by_cells)
