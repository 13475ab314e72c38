"""Neighbours to decisions: which group, if any.

The rule: among the k nearest references within the threshold the majority label wins, a tie goes to
the nearer label. Nothing within the threshold is `no_match`. `ambiguous` is only possible with a
minimum margin to the runner-up.

Where groups have thresholds of their own, a reference is judged by that of its group, and the
nearest reference of all must be within its own threshold: an unknown that is too far from its
nearest group must not match a group farther away with a larger threshold.

Does not search and does not choose thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress, count, repeat
from typing import Any, TypeAlias

import numpy as np

from index.evidence import Evidence
from index.neighbours import Neighbour, Neighbours
from likewise.arrays import Bools, Floats
from likewise.metrics.limits import Limits

MATCH, NO_MATCH, AMBIGUOUS, ERROR = "match", "no_match", "ambiguous", "error"
RunnerUp: TypeAlias = tuple[str | None, float | None]  # a label and the distance to it


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """Options of a check, as the caller sets them.

    Attributes:
        k: Nearest references that have a vote, >= 1.
        threshold: Largest distance that is a match, for all groups, Euclidean, >= 0; None takes
            the thresholds of `at`.
        min_margin: Least margin to the runner-up, >= 0, else `ambiguous`; None takes that of `at`.
        group: Only decide whether the query belongs to this group.
        at: Name of the gallery's operating point; None takes its default one.
        evidence: Give each decision its `p_value`.

    Raises:
        ValueError: If `k` is no whole number >= 1, a distance is negative or not a number, the
            group is not a text, or both `threshold` and `at` are set.

    Example:
        >>> CheckOptions(k=3, threshold=0.2).min_margin is None
        True
        >>> CheckOptions(threshold=-1)
        Traceback (most recent call last):
        ValueError: `threshold` must be a finite number >= 0. Received: -1.
    """

    k: int = 5
    threshold: float | None = None
    min_margin: float | None = None
    group: str | None = None
    at: str | None = None
    evidence: bool = False

    def __post_init__(self) -> None:
        require_whole_number("k", self.k, least=1)
        _check_distance("threshold", self.threshold)
        _check_distance("min_margin", self.min_margin)
        if self.group is not None and not isinstance(self.group, str):
            raise ValueError(f"`group` must be a label, a text. Received: {self.group!r}.")
        if self.threshold is not None and self.at is not None:
            raise ValueError(
                "Pass a threshold or an operating point, not both."
                f" Received: {self.threshold}, {self.at!r}."
            )


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """Check options, resolved against a gallery's operating points.

    Attributes:
        limits: Largest matching distances.
        min_margin: Minimum by which the runner-up must be farther, or None.
        group: The group in question, or None for all.
        point: The operating point's name; None for the caller's own threshold.
        evidence: Distances that p-values are computed from, or None.
    """

    limits: Limits
    min_margin: float | None = None
    group: str | None = None
    point: str | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one query.

    Attributes:
        decision: `match`, `no_match`, `ambiguous`, or `error` for a query that has no vector.
        label: The winning group of a `match` or an `ambiguous` answer, else None.
        distance: Distance to the winning group's nearest reference; for `no_match`, to the nearest
            of all.
        threshold: The largest matching distance, equality included; with thresholds by group, that
            of the group that `distance` belongs to.
        runner_up_label: The nearest other group among the neighbours; when all agree, the nearest
            of all that is within the margin asked for, else None.
        runner_up_distance: Distance of that group's nearest reference.
        neighbours: The k nearest references, nearest first.
        reason: Why there is no answer, or what makes it doubtful.
        p_value: Where evidence was asked for: the share of the calibration's unknowns that come
            at least as close to a reference as this query, in (0, 1].

    Example:
        >>> near = Neighbour(rank=1, id="a.png", label="cat", distance=0.25)
        >>> decision = Decision("match", "cat", 0.25, 0.5, None, None, [near])
        >>> decision.distance <= decision.threshold, decision.neighbours[0].id
        (True, 'a.png')
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


def require_whole_number(name: str, value: Any, least: int) -> None:
    """Refuse an argument that is no whole number, or too small a one.

    Args:
        name: Name of the argument, for the error.
        value: The caller's.
        least: The smallest that is allowed.

    Raises:
        ValueError: If it is no whole number >= `least`.

    Example:
        >>> require_whole_number("k", 2.5, least=1)
        Traceback (most recent call last):
        ValueError: `k` must be a whole number >= 1. Received: 2.5.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"`{name}` must be a whole number >= {least}. Received: {value!r}.")


def decide(
    neighbours: Neighbours,
    rule: Rule,
    group_distances: Floats | None = None,
    runners_up: Sequence[RunnerUp] | None = None,
) -> list[Decision]:
    """Decide for each query which group it belongs to, if any.

    Args:
        neighbours: Neighbours of n queries, `(n, k)`, from `Gallery.search`.
        rule: Thresholds, compared in float64 with equality included, margin and group.
        group_distances: Distances to the nearest reference of `rule.group`, `(n,)`, float32; only
            if the rule has a group.
        runners_up: The nearest other groups of queries whose neighbours are all of one, n; None
            where they are not searched for.

    Returns:
        n decisions, in the order of the queries.

    Example:
        >>> neighbours = Neighbours(
        ...     ids=np.array([["a", "b", "c"]], dtype=object),
        ...     labels=np.array([["cat", "dog", "dog"]], dtype=object),
        ...     distances=np.array([[0.25, 0.5, 0.75]], dtype=np.float32),
        ... )
        >>> [answer] = decide(neighbours, Rule(Limits(1.0)))
        >>> answer.decision, answer.label, answer.distance, answer.runner_up_label
        ('match', 'dog', 0.5, 'cat')
        >>> [answer] = decide(neighbours, Rule(Limits(0.1)))
        >>> answer.decision, answer.label, answer.distance
        ('no_match', None, 0.25)
    """
    votes = _votes(neighbours, rule.limits)
    columns = (neighbours.ids, neighbours.labels, neighbours.distances, votes)
    beside = repeat((None, None), len(votes)) if runners_up is None else runners_up
    decisions = [
        _decide_one(ids, labels, distances, inside, other, rule)
        for ids, labels, distances, inside, other in zip(
            *map(np.ndarray.tolist, columns), beside, strict=True
        )
    ]
    if rule.group is not None and group_distances is not None:
        limit = rule.limits.groups.get(rule.group, rule.limits.threshold)
        pairs = zip(decisions, group_distances.tolist(), strict=True)
        decisions = [for_group(plain, rule.group, distance, limit) for plain, distance in pairs]
    if rule.evidence is not None:
        shares = rule.evidence.p_values(neighbours.distances[:, 0]).tolist()
        decisions = [
            replace(decision, p_value=share)
            for decision, share in zip(decisions, shares, strict=True)
        ]
    return decisions


def for_group(
    answer: Decision, group: str, distance: float, threshold: float | None = None
) -> Decision:
    """Turn a plain decision into the answer to "is it of this group or not?".

    Args:
        answer: The decision among all groups.
        group: The label in question.
        distance: Distance of the query to the group's nearest reference.
        threshold: The group's own threshold, if it has one.

    Returns:
        `match` (or `ambiguous`) if the plain decision has this label, else `no_match`;
        the runner-up is the nearest of the other groups.

    Example:
        >>> plain = Decision("match", "7", 0.25, 0.5, None, None, [Neighbour(1, "a", "7", 0.25)])
        >>> for_group(plain, "1", distance=2.0).decision
        'no_match'
    """
    chosen = answer.label == group
    other = next((near for near in answer.neighbours if near.label != group), None)
    return replace(
        answer,
        decision=answer.decision if chosen else NO_MATCH,
        label=group if chosen else None,
        distance=distance,
        threshold=answer.threshold if threshold is None else threshold,
        runner_up_label=other.label if other else answer.runner_up_label,
        runner_up_distance=other.distance if other else answer.runner_up_distance,
    )


def _votes(neighbours: Neighbours, limits: Limits) -> Bools:
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
    beside: RunnerUp,
    rule: Rule,
) -> Decision:
    """Decide from one query's columns; those `inside` have a vote, `beside` is no neighbour."""
    limits = rule.limits
    winner = _majority(list(compress(labels, inside)))
    leader = labels.index(winner) if winner is not None else 0
    other = _first_other(labels, labels[leader]) if labels else None
    if other is not None:
        beside = labels[other], distances[other]
    margin = math.inf if beside[1] is None else beside[1] - distances[leader]
    is_close = rule.min_margin is not None and margin < rule.min_margin
    if other is None and not is_close:
        beside = None, None
    return Decision(
        NO_MATCH if winner is None else AMBIGUOUS if is_close else MATCH,
        winner,
        distances[leader] if labels else None,
        limits.groups.get(labels[leader], limits.threshold) if labels else limits.threshold,
        *beside,
        list(map(Neighbour, count(1), ids, labels, distances)),
    )


def _majority(labels: list[str]) -> str | None:
    """The most frequent label; the nearer one in a tie."""
    if not labels:
        return None
    if labels.count(labels[0]) == len(labels):  # the usual case, cheap to check
        return labels[0]
    return max(dict.fromkeys(labels), key=labels.count)


def _first_other(labels: list[str], label: str) -> int | None:
    """Position of the nearest reference with another label."""
    if labels.count(label) == len(labels):
        return None
    return next(place for place, other in enumerate(labels) if other != label)


def _check_distance(name: str, value: Any) -> None:
    if value is None:
        return
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and value >= 0):
        raise ValueError(f"`{name}` must be a finite number >= 0. Received: {value!r}.")
