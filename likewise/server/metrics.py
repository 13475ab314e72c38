"""What /metrics tells Prometheus.

Whatever is counted for each picture is counted once for each turn of the batcher, and what can be
asked when Prometheus asks is asked then: requests pay for little.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np
import prometheus_client as prometheus
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from index.errors import GalleryError
from likewise.arrays import Floats
from likewise.server.answering.pictures import DECODE, EMBED

READ, WAIT, SEARCH, WRITE = "read", "wait", "search", "write"
CONTENT_TYPE = prometheus.CONTENT_TYPE_LATEST
_SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_PICTURES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_OF_THRESHOLD = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 3)
_KEPT = 8192  # distances of the latest queries


class Metrics:
    """The figures of one application.

    Args:
        threshold: Distances are told in bins about it.
    """

    def __init__(self, threshold: float) -> None:
        self.registry = prometheus.CollectorRegistry()
        self._requests = prometheus.Counter(
            "likewise_requests",
            "Requests by method, route and status.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        stages = prometheus.Histogram(
            "likewise_stage_seconds",
            "Seconds of each stage: read and wait of a request, the others of a turn, in which "
            "waiting requests are answered together.",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._stages = {
            name: stages.labels(name) for name in (READ, DECODE, WAIT, EMBED, SEARCH, WRITE)
        }
        self._turns = prometheus.Histogram(
            "likewise_batch_pictures",
            "Pictures answered together in a turn.",
            buckets=_PICTURES,
            registry=self.registry,
        )
        decisions = prometheus.Counter(
            "likewise_decisions",
            "Checked pictures by decision.",
            ["decision"],
            registry=self.registry,
        )
        self._decisions = {
            name: decisions.labels(name) for name in ("match", "no_match", "ambiguous", "error")
        }
        self._children: dict[tuple[str, str, int], Any] = {}
        self._nearest = _Distances(threshold)
        self.registry.register(self._nearest)

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Add a figure that is asked for when Prometheus asks; NaN if the gallery cannot tell."""

        def now() -> float:
            try:
                return value()
            except GalleryError:
                return math.nan

        prometheus.Gauge(name, text, registry=self.registry).set_function(now)

    def request(self, method: str, route: str, status: int) -> None:
        """Count a request."""
        key = (method, route, status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._requests.labels(method, route, str(status))
        child.inc()

    def took(self, stage: str, seconds: float) -> None:
        """Count what a stage took."""
        self._stages[stage].observe(seconds)

    @contextmanager
    def timed(self, stage: str) -> Generator[None, None, None]:
        """Count what the block takes."""
        started = time.perf_counter()
        yield
        self.took(stage, time.perf_counter() - started)

    def turn(self, waits: Sequence[float], pictures: int) -> None:
        """Count a turn of the batcher: how long each of its questions waited, and its size."""
        for seconds in waits:
            self.took(WAIT, seconds)
        self._turns.observe(pictures)

    def decided(self, decisions: Sequence[str]) -> None:
        """Count decisions."""
        if len(decisions) == 1:  # nearly always
            self._decisions[decisions[0]].inc()
            return
        for name, count in Counter(decisions).items():
            self._decisions[name].inc(count)

    def searched(self, nearest: Floats) -> None:
        """Count distances from pictures to their nearest references."""
        self._nearest.add(nearest)

    def live(self) -> Floats:
        """The distances of the latest queries."""
        return self._nearest.latest()

    def text(self) -> bytes:
        """All figures, as Prometheus reads them."""
        return prometheus.generate_latest(self.registry)


class _Distances(Collector):
    """A histogram that whole arrays are added to, and the latest of them."""

    def __init__(self, threshold: float) -> None:
        self._edges = np.array(_OF_THRESHOLD) * threshold
        self._counts = np.zeros(len(self._edges) + 1, np.int64)
        self._sum = 0.0
        self._ring = np.zeros(_KEPT, np.float32)
        self._seen = 0
        self._lock = Lock()

    def add(self, values: Floats) -> None:
        """Count some distances."""
        bins = np.searchsorted(self._edges, values)
        counts = np.bincount(bins, minlength=len(self._counts))
        with self._lock:
            self._counts += counts
            self._sum += float(values.sum(dtype=np.float64))
            kept = values[-_KEPT:]
            self._ring[(self._seen + np.arange(len(kept))) % _KEPT] = kept
            self._seen += len(kept)

    def latest(self) -> Floats:
        """The distances counted last."""
        with self._lock:
            return self._ring[: min(self._seen, _KEPT)].copy()

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """The histogram, as Prometheus's client asks for it."""
        with self._lock:
            below = np.cumsum(self._counts).tolist()
            total = self._sum
        names = [*(f"{edge:.4g}" for edge in self._edges), "+Inf"]
        family = HistogramMetricFamily(
            "likewise_nearest_distance",
            "Euclidean distance from each picture to its nearest reference.",
        )
        family.add_metric([], list(zip(names, below, strict=True)), total)
        return [family]
