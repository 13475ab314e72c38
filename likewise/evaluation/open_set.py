"""How well known pictures are told from those of groups that the gallery has not, at any threshold.

Dhamija, Günther, Boult, Reducing Network Agnostophobia, NeurIPS 2018.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from likewise.arrays import Floats, Indices
from likewise.evaluation.figures import Figure, bounded
from likewise.evaluation.searched import Searched
from likewise.metrics.bootstrap import bootstrap
from likewise.metrics.identification import auroc, oscr
from likewise.metrics.searches import Mated

LEFT_OUT, GIVEN = "own group left out", "given as unknown"


def open_set(found: Searched, seed: int) -> Figure:
    """Measure AUROC and OSCR against each kind of unknown that came."""
    left_out, strangers = found.left_out.distances, found.strangers.distances
    kinds = {}
    if len(left_out):
        kinds[LEFT_OUT] = _against(found.mated, left_out, seed, paired=True)
    if len(strangers):
        kinds[GIVEN] = _against(found.mated, strangers, seed, paired=False)
    return kinds


def _against(mated: Mated, unknown: Floats, seed: int, *, paired: bool) -> Figure:
    """Both figures, bounded by drawing pictures anew; `paired` where each is asked in both ways."""
    right = np.flatnonzero(mated.own < mated.other)
    nearer = [
        _Nearer(np.minimum(mated.own, mated.other), np.arange(len(mated)), unknown),
        _Nearer(mated.own, right, unknown),
    ]

    def measure(known: Indices, others: Indices | None = None) -> list[float]:
        return [share.counted(known, known if others is None else others) for share in nearer]

    images = [len(mated)] if paired else [len(mated), len(unknown)]
    ends = bootstrap(measure, images, seed=seed)
    values = auroc(np.minimum(mated.own, mated.other), unknown), oscr(mated, unknown)
    return {
        **{
            name: bounded(value, bounds, min(images))
            for name, value, bounds in zip(("AUROC", "OSCR"), values, ends, strict=True)
        },
        "queries": len(unknown),
    }


class _Nearer:
    """How often one of some known pictures comes nearer than an unknown one, ties counting half.

    Args:
        known: Distances of all m known pictures.
        rows: Those of them that may come nearer.
        unknown: Distances of the n unknown ones.
    """

    def __init__(self, known: Floats, rows: npt.NDArray[np.intp], unknown: Floats) -> None:
        self._rows = rows[np.argsort(known[rows], kind="stable")]
        ordered = known[self._rows]
        self._below, self._at_most = (
            np.searchsorted(ordered, unknown, side) for side in ("left", "right")
        )

    def counted(self, known: Indices, unknown: Indices) -> float:
        """The share of all pairs, each picture counting as often as is said, `(m,)` and `(n,)`."""
        nearer = np.concatenate([[0], np.cumsum(known[self._rows])])
        pairs = (nearer[self._below] + nearer[self._at_most]) @ unknown / 2
        return float(pairs / (known.sum() * unknown.sum()))
