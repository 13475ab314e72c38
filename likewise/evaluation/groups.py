"""Figures by group: misses and distances; and a list of all misses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from likewise.arrays import Bools, Indices
from likewise.evaluation.estimates import Estimate, quantile, share
from likewise.evaluation.identification import answers_within
from likewise.metrics.groups import rows_by_group
from likewise.metrics.limits import Limits
from likewise.queries import GroupDistances


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """Figures of one group.

    Attributes:
        group: Its label.
        references: Number of references in the gallery.
        queries: Number of mated queries.
        missed: Share of these that were missed.
        threshold: Threshold that applies to the group.
        within_95: Distance within which 95 % of the queries find a reference of it.
        worst_confused: The group that its missed queries are nearest to most often; None for none.
    """

    group: str
    references: int
    queries: int
    missed: Estimate
    threshold: float
    within_95: Estimate
    worst_confused: str | None

    def to_json(self) -> dict[str, Any]:
        """The figures as they stand in `report.json`."""
        estimates = {"missed": self.missed.to_json(), "within_95": self.within_95.to_json()}
        return {**asdict(self), **estimates}


@dataclass(frozen=True, slots=True)
class Miss:
    """A mated query that was missed.

    Attributes:
        id: Id of the picture.
        label: Its group.
        own_distance: Distance to the nearest reference of its group.
        nearest_group: The nearest of all groups.
        nearest_distance: Distance to that group.
        answer: The group that it was matched with; None for no match.
    """

    id: str
    label: str
    own_distance: float
    nearest_group: str
    nearest_distance: float
    answer: str | None

    def to_json(self) -> dict[str, Any]:
        """The miss as it stands in `report.json`."""
        fields = asdict(self)
        fields["said"] = fields.pop("answer")
        return fields


def by_group(
    searched: GroupDistances, limits: Limits, reference_labels: Sequence[str]
) -> list[GroupFigures]:
    """Measure each group that has mated queries.

    Args:
        searched: With at least one mated query.
        limits: Thresholds of the operating point that is judged.
        reference_labels: Groups of all references.
    """
    references = Counter(reference_labels)
    missed = searched.mated.missed(limits)
    return [
        _group(searched, limits, name, rows, missed[rows], references[name])
        for name, rows in rows_by_group(searched.mated.labels).items()
    ]


def misses(
    searched: GroupDistances, limits: Limits, ids: Sequence[str]
) -> tuple[list[int], list[Miss]]:
    """List the mated queries that were missed, the nearest to a wrong group first.

    Args:
        searched: The n pictures.
        limits: Thresholds of the operating point that is judged.
        ids: Ids of the n pictures.

    Returns:
        Their rows among all pictures, and their answers.
    """
    mated = searched.mated
    wrong = np.flatnonzero(mated.missed(limits))
    lead = mated.other[wrong] - mated.own[wrong]
    order = wrong[np.argsort(lead, kind="stable")].tolist()
    answers = answers_within(searched, limits)
    rows: list[int] = searched.known[order].tolist()
    missed = []
    for query, row in zip(order, rows, strict=True):
        missed.append(
            Miss(
                id=ids[row],
                label=mated.labels[query],
                own_distance=float(mated.own[query]),
                nearest_group=searched.nearest.labels[query],
                nearest_distance=float(searched.nearest.distances[query]),
                answer=answers[query],
            )
        )
    return rows, missed


def _group(
    searched: GroupDistances,
    limits: Limits,
    name: str,
    rows: Indices,
    missed: Bools,
    references: int,
) -> GroupFigures:
    others = searched.nearest_others if len(searched.groups) > 1 else []
    wrong = Counter(others[row] for row in rows[missed].tolist()) if others else Counter()
    return GroupFigures(
        group=name,
        references=references,
        queries=len(rows),
        missed=share(int(missed.sum()), len(rows)),
        threshold=float(limits.of([name])[0]),
        within_95=quantile(searched.mated.own[rows], 0.95),
        worst_confused=max(sorted(wrong), key=lambda name: wrong[name]) if wrong else None,
    )
