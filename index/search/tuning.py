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
_REACHES = (4.0, 9.0, 16.0, 32.0)
_PROBES = (4, 8, 16, 32, 48, 64, 96, 128, 192, 256)
_CANDIDATES = (128, 256)
_NEIGHBOURS = 5  # that the measurement of the gain asks for
# Codes that are scanned in the time in which a candidate is ranked, and a list is prepared.
_CODES_OF_A_CANDIDATE, _CODES_OF_A_LIST = 64, 400


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
    try:
        coded = Quantised.train(every.index.stored, every.names.slots)
    except RuntimeError:  # of vectors so long that FAISS finds no centroids
        return Approximation(promise, None)
    samples = {
        "known": Sample.known(every, _SAMPLE),
        "between": Sample.between(every, _SAMPLE),
    }
    if len(every.names.labels) > 1:
        samples["unknown"] = Sample.unknown(every, _SAMPLE)
    return _Tuning(every, coded, promise, samples).result()


class _Tuning:
    """One tuning; see `tuned`.

    Args:
        every: All references.
        coded: Their codes.
        promise: What is to be kept.
        samples: Queries by the names that the promise has for them.
    """

    def __init__(
        self, every: Rows, coded: Quantised, promise: Promise, samples: dict[str, Sample]
    ) -> None:
        self._every, self._coded, self._promise, self._samples = every, coded, promise, samples
        both = promise.recall_of == "both"
        self._needed = list(samples.values())[::-1] if both else [samples["known"]]

    def result(self) -> Approximation:
        """The cheapest search that keeps the promise."""
        effort = self._least()
        if effort is None:
            return Approximation(self._promise, None)
        measured = {
            name: sample.measured(self._every, *sample.distances(self._every, self._coded, effort))
            for name, sample in self._samples.items()
        }
        known, between, unknown = map(measured.get, ("known", "between", "unknown"))
        promise = replace(
            self._promise, effort=effort, known=known, between=between, unknown=unknown
        )
        made = Approximation(promise, self._coded)
        made.promise = replace(promise, gain=self._gain(made))
        return made

    def _gain(self, made: Approximation) -> float:
        """How many times as long exact search takes, by the thread's processor."""
        index, slots = self._every.index, self._every.names.slots
        queries = np.concatenate([sample.queries[::2] for sample in self._samples.values()])
        k = min(_NEIGHBOURS, len(index))
        start = time.process_time()
        made.nearest(index.stored, slots, queries, k, _numbers, index.nearest)
        between = time.process_time()
        index.nearest(queries, k, _numbers)
        return (time.process_time() - between) / max(between - start, 1e-9)

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
            asked = len(sample.queries)
            recall = self._promise.recall
            sufficing = [c for c in _CANDIDATES if proves(int(found[c - 1]), asked, recall)]
            if not sufficing:
                return None
            enough = max(enough, sufficing[0])
        return enough

    def _cost(self, effort: Effort) -> float:
        """What an effort costs a query, in codes that are scanned."""
        lists: int = self._coded.lists.nlist
        queries = np.concatenate([sample.queries for sample in self._needed])
        near = NearLists.of(self._coded, queries, effort)
        codes = len(self._every.index) / lists + _CODES_OF_A_LIST
        return float(near.counts.mean()) * codes + _CODES_OF_A_CANDIDATE * effort.candidates
