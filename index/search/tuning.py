"""Choose how far an approximate search looks: the least that keeps its promise on a sample.

The choice does not depend on times, so that the same references always give the same search: what
codes and candidates cost was measured once.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from index.search import division
from index.search.approximate import Approximation
from index.search.promise import Promise, proves
from index.search.quantised import Quantised
from index.search.sample import Rows, Sample
from index.search.scan import Effort, NearLists
from index.search.setting import SearchSetting
from likewise.arrays import Indices, Strings

_SAMPLE = 4096  # queries of each kind
_REACHES = (2.0, 3.0, 4.0, 6.0, 9.0)
_PROBES = (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
_CANDIDATES = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384)
_TIMED, _NEIGHBOURS = 2048, 5  # queries that show the gain, and what they ask for
_CODES_OF_A_CANDIDATE = 64  # that are scanned in the time in which one is ranked


def _numbers(rows: Indices) -> Strings:
    return rows.astype(object)


def tuned(every: Rows, setting: SearchSetting) -> Approximation:
    """Make an approximate search that keeps a setting's promise, or says that none does.

    Args:
        every: All references.
        setting: What is promised; its `recall` is not None.
    """
    assert setting.recall is not None
    count = len(every.index)
    promise = Promise(setting.recall, setting.recall_of, count)
    if count < max(2, division.FROM):
        return Approximation(promise, None)
    samples = [Sample.known(every, _SAMPLE)]
    if len(every.names.labels) > 1:
        samples.append(Sample.unknown(every, _SAMPLE))
    elif setting.recall_of == "both":
        return Approximation(promise, None)
    try:
        coded = Quantised.train(every.index.stored, every.names.slots)
    except RuntimeError:  # of vectors so long that FAISS finds no centroids
        return Approximation(promise, None)
    return _Tuning(every, coded, promise, samples).result()


class _Tuning:
    """One tuning; see `tuned`.

    Args:
        every: All references.
        coded: Their codes.
        promise: What is to be kept.
        samples: Known queries, and unknown ones where there are any.
    """

    def __init__(
        self, every: Rows, coded: Quantised, promise: Promise, samples: list[Sample]
    ) -> None:
        self._every, self._coded, self._promise, self._samples = every, coded, promise, samples
        self._needed = samples if promise.recall_of == "both" else samples[:1]

    def result(self) -> Approximation:
        """The cheapest search that keeps the promise."""
        effort = self._least()
        if effort is None:
            return Approximation(self._promise, None)
        measured = [
            sample.measured(self._every, *sample.distances(self._every, self._coded, effort))
            for sample in self._samples
        ]
        known, unknown = (*measured, None)[:2]
        promise = replace(self._promise, effort=effort, known=known, unknown=unknown)
        made = Approximation(promise, self._coded)
        made.promise = replace(promise, gain=self._gain(made))
        return made

    def _gain(self, made: Approximation) -> float:
        """How many times as long exact search takes, by the thread's processor."""
        index, slots = self._every.index, self._every.names.slots
        queries = index.stored[self._samples[0].rows[:: -(-_SAMPLE // _TIMED)]]
        k = min(_NEIGHBOURS, len(index))
        start = time.process_time()
        made.nearest(index.stored, slots, queries, k, _numbers, index.nearest)
        between = time.process_time()
        index.nearest(queries, k, _numbers)
        gain: float = (time.process_time() - between) / max(between - start, 1e-9)
        return gain

    def _least(self) -> Effort | None:
        """The cheapest effort that suffices, of the least reach with which any does."""
        most = [probes for probes in _PROBES if probes <= max(_PROBES[0], self._coded.lists.nlist)]
        for reach in _REACHES:
            if self._candidates(most[-1], reach) is None:
                continue
            best: tuple[float, Effort] | None = None
            for probes in most:
                candidates = self._candidates(probes, reach)
                if candidates is None:
                    continue
                effort = Effort(probes, reach, candidates)
                cost = self._cost(effort)
                if best is not None and cost >= best[0]:
                    break
                best = cost, effort
            return None if best is None else best[1]
        return None

    def _candidates(self, probes: int, reach: float) -> int | None:
        """How many candidates suffice for all samples; None where the most do not."""
        enough = 0
        for sample in self._needed:
            effort = Effort(probes, reach, _CANDIDATES[-1])
            far, _ = sample.distances(self._every, self._coded, effort)
            hits = np.minimum.accumulate(far, axis=1) <= sample.nearest[:, None]
            found: Indices = hits.sum(axis=0)
            asked = len(sample.rows)
            sufficing = [c for c in _CANDIDATES if proves(int(found[c - 1]), asked, self._recall)]
            if not sufficing:
                return None
            enough = max(enough, sufficing[0])
        return enough

    @property
    def _recall(self) -> float:
        return self._promise.recall

    def _cost(self, effort: Effort) -> float:
        """What an effort costs a query, in codes that are scanned."""
        lists = self._coded.lists.nlist
        rows = np.concatenate([sample.rows for sample in self._needed])
        near = NearLists.of(self._coded, self._every.index.stored[rows], effort)
        codes = float(near.counts.mean()) * len(self._every.index) / lists
        return codes + _CODES_OF_A_CANDIDATE * effort.candidates
