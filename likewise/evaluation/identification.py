"""One to many: is the nearest group the right one, and how often is an unknown taken for known?"""

from __future__ import annotations

from collections import Counter

import numpy as np

from likewise.arrays import Bools, Indices
from likewise.evaluation.figures import Figure, quantile, share
from likewise.evaluation.searched import Searched
from likewise.metrics.groups import rows_by_group
from likewise.metrics.identification import confusion, fnir_at_fpir, rank_rate, ranks

FPIRS = (0.01, 0.001)
RANKS = (1, 5)


def identification(found: Searched) -> Figure:
    """Count right answers and errors of both kinds, and what is taken for what."""
    mated = len(found.known)
    places = ranks(found.distances[found.known], found.columns[found.known])
    rates: dict[str, float | None] = {f"rank-{k}": rank_rate(places, k) for k in RANKS}
    rates |= {
        f"FNIR at FPIR {100 * fpir:g} %": fnir_at_fpir(found.mated, found.unknown.distances, fpir)
        for fpir in FPIRS
    }
    said = found.said()
    names, counts = confusion(found.mated.labels, said)
    wrong = sum(a is not None and a != b for a, b in zip(said, found.mated.labels, strict=True))
    return {
        **{
            name: None if rate is None else share(round(rate * mated), mated)
            for name, rate in rates.items()
        },
        "FPIR at the threshold": _matched(found),
        "FNIR at the threshold": share(int(found.mated.missed(found.limits).sum()), mated),
        "wrong group at the threshold": share(wrong, mated),
        "confusion": {"names": names, "counts": counts.tolist()},
    }


def _matched(found: Searched) -> Figure | None:
    unknown = found.unknown
    return share(int(unknown.matched(found.limits).sum()), len(unknown)) if len(unknown) else None


def by_group(found: Searched) -> list[Figure]:
    """Tell of each group that was asked about."""
    references = Counter(found.asked.reference_labels)
    missed = found.mated.missed(found.limits)
    return [
        _group(found, name, rows, missed[rows], references[name])
        for name, rows in rows_by_group(found.mated.labels).items()
    ]


def _group(found: Searched, name: str, rows: Indices, missed: Bools, references: int) -> Figure:
    others = np.delete(np.arange(len(found.names)), found.names.index(name))
    near = found.distances[found.known[rows[missed]]][:, others]
    wrong = [found.names[others[at]] for at in near.argmin(axis=1)] if len(others) else []
    return {
        "group": name,
        "references": references,
        "queries": len(rows),
        "missed": share(int(missed.sum()), len(rows)),
        "threshold": float(found.limits.of([name])[0]),
        "within_95": quantile(found.mated.own[rows], 0.95),
        "worst_confused": max(sorted(set(wrong)), key=wrong.count) if wrong else None,
    }


def misses(found: Searched) -> tuple[list[int], list[Figure]]:
    """List the mated queries that were missed, the nearest to a wrong group first.

    Returns:
        Their rows among all pictures, and what is to be told of each.
    """
    wrong = np.flatnonzero(found.mated.missed(found.limits))
    lead = found.mated.other[wrong] - found.mated.own[wrong]
    order = wrong[np.argsort(lead, kind="stable")]
    said = found.said()
    return found.known[order].tolist(), [_miss(found, at, said[at]) for at in order.tolist()]


def _miss(found: Searched, at: int, said: str | None) -> Figure:
    row = int(found.known[at])
    best = int(found.distances[row].argmin())
    return {
        "id": found.asked.records[row].id,
        "label": found.mated.labels[at],
        "own_distance": float(found.mated.own[at]),
        "nearest_group": found.names[best],
        "nearest_distance": float(found.distances[row, best]),
        "said": said,
    }
