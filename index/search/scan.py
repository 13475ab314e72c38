"""Candidates of approximate search: the references whose codes are nearest to a query."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import faiss
import numpy as np

from index.search.faiss_calls import one_thread
from index.search.quantised import Quantised
from likewise.arrays import Bools, Floats, Indices

NOBODY = -1  # stands for no slot, and for no list, as in FAISS
_TABLES = 1 << 19  # queries · probes · parts at a time: FAISS makes tables of 80 bytes for each


@dataclass(frozen=True, slots=True)
class Effort:
    """How far a query looks.

    Attributes:
        probes: Lists that it looks at, at most; the nearest.
        reach: How many times the squared distance of the nearest list the others may have. FAISS
            rounds by the farthest list: one far away would blur the near ones.
        candidates: Candidates that it has, at most.
    """

    probes: int
    reach: float
    candidates: int


@dataclass(frozen=True, slots=True, eq=False)
class NearLists:
    """The lists that queries look at.

    Attributes:
        lists: Their numbers, `(n, probes)`, nearest first, then `NOBODY`.
        squared: Squared distances to their centroids, `(n, probes)`, float32.
        counts: How many they are, `(n,)`.
    """

    lists: Indices
    squared: Floats
    counts: Indices

    @classmethod
    def of(
        cls, coded: Quantised, queries: Floats, effort: Effort, empty: Bools | None = None
    ) -> NearLists:
        """Choose the lists of each query.

        Args:
            coded: The lists.
            queries: `(n, dim)`, float32.
            effort: How far to look.
            empty: Lists that are passed over, one for each; None for none.
        """
        wide = min(effort.probes + (0 if empty is None else int(empty.sum())), coded.lists.nlist)
        with one_thread(queries.shape[1]):
            squared, lists = coded.lists.quantizer.search(queries, wide)
        if empty is not None:
            late = np.argsort(empty[lists], axis=1, kind="stable")[:, : effort.probes]
            squared, lists = (np.take_along_axis(part, late, axis=1) for part in (squared, lists))
            lists[empty[lists]] = NOBODY
        lists[:, 1:][squared[:, 1:] > effort.reach * squared[:, :1]] = NOBODY
        return cls(lists, squared, (lists != NOBODY).sum(axis=1))


def candidates(
    coded: Quantised, queries: Floats, near: NearLists, count: int, selected: Any = None
) -> Indices:
    """The slots whose codes are nearest, `(n, count)`; `NOBODY` where there are no more.

    Args:
        coded: The codes of all rows.
        queries: `(n, dim)`, float32.
        near: The lists that each query looks at.
        count: Candidates of each query.
        selected: FAISS's selector of the slots that count; None for all.
    """
    order = np.argsort(near.counts, kind="stable")  # those together that look at as many
    found = np.full((len(queries), count), NOBODY)
    parameters: Any = faiss.SearchParametersIVF  # its type stub lacks its keywords
    for start, end in pairwise(_edges(near.counts[order] * coded.lists.pq.M)):
        rows = order[start:end]
        probes = max(1, int(near.counts[rows[-1]]))
        asked, lists = queries[rows], np.ascontiguousarray(near.lists[rows, :probes])
        far = np.ascontiguousarray(near.squared[rows, :probes])
        squared, slots = np.empty((len(rows), count), np.float32), found[rows]
        arrays = [faiss.swig_ptr(array) for array in (lists, far, squared, slots)]
        wanted = parameters(nprobe=probes, sel=selected)
        with one_thread(queries.shape[1]):  # FAISS's own Python call takes no parameters here
            coded.lists.search_preassigned_c(
                len(rows), faiss.swig_ptr(asked), count, *arrays, False, wanted
            )
        found[rows] = slots
    return found


def _edges(tables: Indices) -> list[int]:
    """Where parts begin and end whose tables fit into memory; of ascending numbers of tables."""
    edges = [0]
    while edges[-1] < len(tables):
        start = edges[-1]
        total = tables[start:] * np.arange(1, len(tables) - start + 1)  # as wide as the widest
        edges.append(start + max(1, int(np.searchsorted(total, _TABLES, side="right"))))
    return edges
