"""Neighbours to decisions: which group, if any.

The rule: among the k nearest references within the threshold the majority label wins, a tie
goes to the label that is nearer. Nothing within the threshold is `no_match`. `ambiguous` exists
only where a least margin to the runner-up was asked for.

Where groups have thresholds of their own, a reference is judged by that of its group, and the
nearest reference of all must be within its own: a stranger that is too far from the group it is
nearest to is none of a laxer group farther away.

Does not search and does not choose thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any, NamedTuple

import numpy as np

from likewise.arrays import Bools, Floats, Strings
from likewise.metrics.limits import Limits

MATCH, NO_MATCH, AMBIGUOUS, ERROR = "match", "no_match", "ambiguous", "error"


class Neighbour(NamedTuple):
    """One reference near a query; a tuple, since an answer has several and millions are made.

    Attributes:
        rank: 1 for the nearest.
        id: The reference's id.
        label: The reference's group.
        distance: Euclidean distance of the two vectors, a float32 value.
    """

    rank: int
    id: str
    label: str
    distance: float


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The k nearest references of n queries, nearest first, equal distances ordered by id.

    Attributes:
        ids: Shape `(n, k)`, str objects.
        labels: Shape `(n, k)`, str objects.
        distances: Shape `(n, k)`, float32, Euclidean.

    Example:
        >>> found = Neighbours(
        ...     ids=np.array([["a", "b"]], dtype=object),
        ...     labels=np.array([["cat", "dog"]], dtype=object),
        ...     distances=np.array([[0.25, 0.5]], dtype=np.float32),
        ... )
        >>> len(found)
        1
        >>> found[0][0]
        Neighbour(rank=1, id='a', label='cat', distance=0.25)
    """

    ids: Strings
    labels: Strings
    distances: Floats

    def __len__(self) -> int:
        return len(self.distances)

    def __getitem__(self, query: int) -> list[Neighbour]:
        return neighbour_list(
            self.ids[query].tolist(), self.labels[query].tolist(), self.distances[query].tolist()
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one query.

    Attributes:
        decision: `match`, `no_match`, `ambiguous`, or `error` for a query that has no vector.
        label: The winning group of a `match` or an `ambiguous` answer, else None.
        distance: To the winning group's nearest reference; to the nearest of all for `no_match`.
        threshold: The largest distance that is a match, equality included; where groups have
            their own, that of the group whose distance is given.
        runner_up_label: The nearest other group among the neighbours; None when all agree.
        runner_up_distance: Distance of that group's nearest reference.
        neighbours: The k nearest references, nearest first.
        reason: Why there is no answer; only for `error`.
        p_value: Where evidence was asked for: the share of the calibration's unknowns that come
            at least as close to a reference as this query, in (0, 1].
    """

    decision: str
    label: str | None
    distance: float | None
    threshold: float | None
    runner_up_label: str | None
    runner_up_distance: float | None
    neighbours: list[Neighbour]
    reason: str | None = None
    p_value: float | None = None


def decide(
    neighbours: Neighbours,
    threshold: float,
    *,
    min_margin: float | None = None,
    group_thresholds: Mapping[str, float] | None = None,
) -> list[Decision]:
    """Decide for each query which group it belongs to, if any.

    Args:
        neighbours: Of n queries, `(n, k)`, as `Gallery.search` returns them.
        threshold: Largest distance that is a match, >= 0, equality included (compared in float64).
        min_margin: When given, a match whose runner-up is less than this much farther
            is `ambiguous`.
        group_thresholds: In place of `threshold` for references with these labels.

    Returns:
        n decisions, in the order of the queries.

    Raises:
        ValueError: If `threshold` or `min_margin` is negative or not a number.

    Example:
        >>> found = Neighbours(
        ...     ids=np.array([["a", "b", "c"]], dtype=object),
        ...     labels=np.array([["cat", "dog", "dog"]], dtype=object),
        ...     distances=np.array([[0.25, 0.5, 0.75]], dtype=np.float32),
        ... )
        >>> [answer] = decide(found, threshold=1.0)
        >>> answer.decision, answer.label, answer.distance, answer.runner_up_label
        ('match', 'dog', 0.5, 'cat')
        >>> [answer] = decide(found, threshold=0.1)
        >>> answer.decision, answer.label, answer.distance
        ('no_match', None, 0.25)
    """
    _check_limit("threshold", threshold)
    if min_margin is not None:
        _check_limit("min_margin", min_margin)
    limits = Limits(float(threshold), group_thresholds or {})
    columns = (neighbours.ids, neighbours.labels, neighbours.distances, _inside(neighbours, limits))
    return [
        _decide_one(ids, labels, distances, inside, limits, min_margin)
        for ids, labels, distances, inside in zip(*map(np.ndarray.tolist, columns), strict=True)
    ]


def for_group(
    answer: Decision, group: str, distance: float, threshold: float | None = None
) -> Decision:
    """Turn a plain decision into the answer to "is it of this group or not?".

    Args:
        answer: What `decide` said.
        group: The label that is asked about.
        distance: From the query to the group's nearest reference.
        threshold: The group's own, where it has one.

    Returns:
        `match` (or `ambiguous`) if the plain decision was that with this label, else `no_match`;
        the runner-up is the nearest of the other groups among the neighbours.

    Example:
        >>> plain = Decision("match", "7", 0.25, 0.5, None, None, [Neighbour(1, "a", "7", 0.25)])
        >>> for_group(plain, "1", distance=2.0).decision
        'no_match'
    """
    chosen = answer.label == group
    other = next((found for found in answer.neighbours if found.label != group), None)
    return replace(
        answer,
        decision=answer.decision if chosen else NO_MATCH,
        label=group if chosen else None,
        distance=distance,
        threshold=answer.threshold if threshold is None else threshold,
        runner_up_label=other.label if other else None,
        runner_up_distance=other.distance if other else None,
    )


def neighbour_list(
    ids: Sequence[str], labels: Sequence[str], distances: Sequence[float]
) -> list[Neighbour]:
    """Put one query's columns together, rank 1 first.

    Example:
        >>> neighbour_list(["a"], ["cat"], [0.5])
        [Neighbour(rank=1, id='a', label='cat', distance=0.5)]
    """
    return list(map(Neighbour, range(1, len(ids) + 1), ids, labels, distances))


def _inside(neighbours: Neighbours, limits: Limits) -> Bools:
    """Which neighbours have a vote, `(n, k)`."""
    labels, distances = neighbours.labels, neighbours.distances.astype(np.float64)
    if not limits.groups:
        return distances <= limits.threshold
    inside = distances <= limits.of(labels.ravel().tolist()).reshape(labels.shape)
    return inside & inside[:, :1]


def _decide_one(
    ids: list[str],
    labels: list[str],
    distances: list[float],
    inside: list[bool],
    limits: Limits,
    min_margin: float | None,
) -> Decision:
    """Decide from one query's columns; those `inside` have a vote."""
    winner = _majority(list(compress(labels, inside)))
    leader = labels.index(winner) if winner is not None else 0
    other = _first_other(labels, labels[leader]) if labels else None
    decision = NO_MATCH if winner is None else MATCH
    margin = math.inf if other is None else distances[other] - distances[leader]
    if winner is not None and min_margin is not None and margin < min_margin:
        decision = AMBIGUOUS
    return Decision(
        decision,
        winner,
        distances[leader] if labels else None,
        limits.groups.get(labels[leader], limits.threshold) if labels else limits.threshold,
        None if other is None else labels[other],
        None if other is None else distances[other],
        neighbour_list(ids, labels, distances),
    )


def _majority(labels: list[str]) -> str | None:
    """The most frequent label; of equally frequent ones that which comes first, the nearer."""
    if not labels:
        return None
    if labels.count(labels[0]) == len(labels):  # nearly always, and cheap to see
        return labels[0]
    return max(dict.fromkeys(labels), key=labels.count)


def _first_other(labels: list[str], label: str) -> int | None:
    """The place of the nearest reference with another label."""
    if labels.count(label) == len(labels):
        return None
    return next(place for place, other in enumerate(labels) if other != label)


def _check_limit(name: str, value: Any) -> None:
    if not (isinstance(value, (int, float, np.number)) and math.isfinite(value) and value >= 0):
        raise ValueError(f"`{name}` must be a finite number >= 0. Received: {value!r}.")
