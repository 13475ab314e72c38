"""Merge the answers of parts: by distance, then id; groups by distance, then label."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import merge

import numpy as np

from index.neighbours import Neighbour, Neighbours
from index.search.nearest_groups import CLOSER, NONE, NearestGroups
from likewise.arrays import Indices


def merged_nearest(near: Sequence[Neighbours], k: int) -> Neighbours:
    """The k nearest of what all parts found, or all where they are fewer.

    Args:
        near: What each part found for the same queries.
        k: 1 or more.
    """
    ids = np.concatenate([part.ids for part in near], axis=1)
    labels = np.concatenate([part.labels for part in near], axis=1)
    distances = np.concatenate([part.distances for part in near], axis=1)
    order = np.argsort(distances, axis=1, kind="stable")
    ranked = np.take_along_axis(distances, order, axis=1)
    tied = (ranked[:, 1 : k + 1] == ranked[:, :-1][:, :k]).any(axis=1)
    for query in np.flatnonzero(tied).tolist():
        keyed = zip(
            distances[query].tolist(), ids[query].tolist(), range(ids.shape[1]), strict=True
        )
        order[query] = [place for _, _, place in sorted(keyed)]
    order = order[:, :k]
    return Neighbours(
        *(np.take_along_axis(values, order, axis=1) for values in (ids, labels, distances))
    )


def merged_within(found: Sequence[list[list[Neighbour]]]) -> list[list[Neighbour]]:
    """All neighbours of each query that the parts found, ranked anew.

    Args:
        found: What each part found for the same queries.
    """
    ranked = []
    for lists in zip(*found, strict=True):
        every = merge(*lists, key=lambda near: (near.distance, near.id))
        ranked.append([near._replace(rank=rank) for rank, near in enumerate(every, 1)])
    return ranked


def merged_groups(
    found: Sequence[tuple[NearestGroups, list[str]]], groups: Sequence[str]
) -> NearestGroups:
    """The nearest groups over all parts, but for `closer`, which is 0.

    Args:
        found: What each part found for the same queries, and its labels.
        groups: The labels of all groups, in order.
    """
    column = {label: place for place, label in enumerate(groups)}
    best = NearestGroups.none(len(found[0][0].own))
    for near, labels in found:
        np.minimum(best.own, near.own, out=best.own)
        columns = np.array([*(column[label] for label in labels), NONE], np.int64)[near.nearest]
        first = (columns < best.nearest) & (near.other == best.other) & (columns != NONE)
        better = (near.other < best.other) | first
        best.other[better], best.nearest[better] = near.other[better], columns[better]
    return best


def count_closer(found: Sequence[list[list[str]]]) -> Indices:
    """How many groups the parts found together, `CLOSER` at most, `(n,)`.

    Args:
        found: Groups that each part found for the same queries.
    """
    counts = [len(set().union(*groups)) for groups in zip(*found, strict=True)]
    return np.minimum(np.array(counts, np.int64), CLOSER)
