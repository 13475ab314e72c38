"""Identification (one to many): how often the nearest group is right, and unknowns match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import compress

from likewise.evaluation.estimates import Estimate, Named, share
from likewise.metrics.identification import confusion, fnir_at_fpir, rank_rate
from likewise.metrics.limits import Limits
from likewise.queries import GroupDistances

FPIRS = (0.01, 0.001)
RANKS = (1, 5)


@dataclass(frozen=True, slots=True)
class Confusion:
    """Which group is taken for which.

    Attributes:
        names: The g groups in order; None last, for no match, where it occurs.
        counts: `g` rows for the queries' groups of `g` columns for the answers.
        left_out: Further groups, of fewer wrong answers than all of these.
    """

    names: list[str | None]
    counts: list[list[int]]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class IdentificationFigures:
    """Figures of searches: one to many.

    Attributes:
        rank_rates: Share of mated queries whose group is among the k nearest, by k.
        fnir_at_fpir: FNIR at the largest threshold with each FPIR.
        fpir: FPIR at the judged threshold; None without non-mated queries.
        fnir: FNIR at the judged threshold.
        wrong_group: Mated queries that were matched with another group, or with one of two that
            are equally near.
        confusion: Which group is taken for which.
    """

    rank_rates: Mapping[int, Estimate]
    fnir_at_fpir: Mapping[float, Estimate | None]
    fpir: Estimate | None
    fnir: Estimate
    wrong_group: Estimate
    confusion: Confusion

    def named(self) -> Named:
        """The figures by the names of the report."""
        return {
            **{f"rank-{k}": rate for k, rate in self.rank_rates.items()},
            **{f"FNIR at FPIR {100 * rate:g} %": x for rate, x in self.fnir_at_fpir.items()},
            "FPIR at the threshold": self.fpir,
            "FNIR at the threshold": self.fnir,
            "wrong group at the threshold": self.wrong_group,
        }


def identification(searched: GroupDistances, limits: Limits) -> IdentificationFigures:
    """Count correct answers, both kinds of errors, and confusions of groups.

    Args:
        searched: With at least one mated query.
        limits: Thresholds of the operating point that is judged.
    """
    mated, unknown = searched.mated, searched.unknown
    answers, missed = answers_within(searched, limits), mated.missed(limits).tolist()
    wrong = sum(answer is not None for answer in compress(answers, missed))
    names, counts, left_out = confusion(mated.labels, answers)
    return IdentificationFigures(
        rank_rates={k: _share_of(rank_rate(searched.ranks, k), len(mated)) for k in RANKS},
        fnir_at_fpir={
            fpir: None if rate is None else _share_of(rate, len(mated))
            for fpir in FPIRS
            for rate in [fnir_at_fpir(mated, unknown.distances, fpir)]
        },
        fpir=share(int(unknown.matched(limits).sum()), len(unknown)) if len(unknown) else None,
        fnir=share(sum(missed), len(mated)),
        wrong_group=share(wrong, len(mated)),
        confusion=Confusion(names, counts.tolist(), left_out),
    )


def answers_within(searched: GroupDistances, limits: Limits) -> list[str | None]:
    """The nearest group of each mated query, m; None beyond its threshold.

    Args:
        searched: Distances of m mated queries to the groups.
        limits: Threshold of each group.
    """
    within = searched.nearest.matched(limits)
    labels = searched.nearest.labels
    return [name if near else None for name, near in zip(labels, within, strict=True)]


def _share_of(rate: float, trials: int) -> Estimate:
    return share(round(rate * trials), trials)
