"""Open-set figures: how well distances separate known from unknown pictures.

Dhamija, Günther, Boult, Reducing Network Agnostophobia, NeurIPS 2018.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from likewise.arrays import Floats, Indices
from likewise.evaluation.estimates import Estimate, Named, bounded
from likewise.metrics.bootstrap import bootstrap
from likewise.metrics.identification import auroc, oscr
from likewise.metrics.searches import Mated
from likewise.queries import GIVEN, LEFT_OUT, GroupDistances


@dataclass(frozen=True, slots=True)
class OpenSetFigures:
    """How well distances separate knowns from one kind of unknowns.

    Attributes:
        auroc: How often a known query comes nearer than an unknown one.
        oscr: The same, where a known query counts only if its nearest group is its own.
        queries: Unknown ones.
    """

    auroc: Estimate
    oscr: Estimate
    queries: int

    def named(self) -> Named:
        """The figures by the names of the report."""
        return {"AUROC": self.auroc, "OSCR": self.oscr, "queries": self.queries}


def open_set(searched: GroupDistances, seed: int) -> dict[str, OpenSetFigures]:
    """Measure AUROC and OSCR against each kind of unknown that there is.

    Args:
        searched: With at least one mated query.
        seed: Seed of the bootstrap.
    """
    left_out, strangers = searched.left_out.distances, searched.strangers.distances
    kinds = {}
    if len(left_out):
        kinds[LEFT_OUT] = _against(searched.mated, left_out, seed, paired=True)
    if len(strangers):
        kinds[GIVEN] = _against(searched.mated, strangers, seed, paired=False)
    return kinds


def _against(mated: Mated, unknown: Floats, seed: int, *, paired: bool) -> OpenSetFigures:
    """Both figures, bounded by drawing pictures anew; `paired` where each is asked in both ways."""
    right = np.flatnonzero(mated.own < mated.other)
    nearest = np.minimum(mated.own, mated.other)
    nearer = [
        _Nearer(nearest, np.arange(len(mated)), unknown),
        _Nearer(mated.own, right, unknown),
    ]

    def measure(known: Indices, others: Indices | None = None) -> list[float]:
        return [share.counted(known, known if others is None else others) for share in nearer]

    images = [len(mated)] if paired else [len(mated), len(unknown)]
    of_auroc, of_oscr = bootstrap(measure, images, seed=seed)
    return OpenSetFigures(
        auroc=bounded(auroc(nearest, unknown), of_auroc, min(images)),
        oscr=bounded(oscr(mated, unknown), of_oscr, min(images)),
        queries=len(unknown),
    )


class _Nearer:
    """How often a known picture comes nearer than an unknown one, ties counting half.

    Args:
        known: Distances of all known pictures, `(m,)`.
        rows: Rows of those that may come nearer.
        unknown: Distances of the unknown ones, `(n,)`.
    """

    def __init__(self, known: Floats, rows: npt.NDArray[np.intp], unknown: Floats) -> None:
        self._rows = rows[np.argsort(known[rows], kind="stable")]
        ordered = known[self._rows]
        self._below, self._at_most = (
            np.searchsorted(ordered, unknown, side) for side in ("left", "right")
        )

    def counted(self, known: Indices, unknown: Indices) -> float:
        """The share of all pairs, each picture counting several times or not at all.

        Args:
            known: How often each known picture counts, `(m,)`.
            unknown: How often each unknown one counts, `(n,)`.
        """
        nearer = np.concatenate([[0], np.cumsum(known[self._rows])])
        pairs = (nearer[self._below] + nearer[self._at_most]) @ unknown / 2
        return float(pairs / (known.sum() * unknown.sum()))
