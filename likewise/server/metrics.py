"""Prometheus metrics.

Counts per picture are added once per turn of the batcher, and gauges are read when Prometheus
scrapes, so requests pay little.
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
    """The metrics of one application.

    Args:
        threshold: Unit of the edges of the distance histogram's bins.
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
        """Add a gauge that is read at each scrape; NaN if what it measures cannot be read.

        Args:
            name: Name of the metric.
            text: Its help text.
            value: Called when Prometheus scrapes.
        """

        def now() -> float:
            try:
                return value()
            except (GalleryError, OSError):
                return math.nan

        prometheus.Gauge(name, text, registry=self.registry).set_function(now)

    def request(self, method: str, route: str, status: int) -> None:
        """Count a request.

        Args:
            method: The request's method.
            route: The pattern of its path.
            status: Status of the response.
        """
        key = (method, route, status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._requests.labels(method, route, str(status))
        child.inc()

    def took(self, stage: str, seconds: float) -> None:
        """Record the duration of a stage.

        Args:
            stage: Name of the stage.
            seconds: Its duration.
        """
        self._stages[stage].observe(seconds)

    @contextmanager
    def timed(self, stage: str) -> Generator[None, None, None]:
        """Record the duration of the block."""
        started = time.perf_counter()
        yield
        self.took(stage, time.perf_counter() - started)

    def turn(self, waits: Sequence[float], pictures: int) -> None:
        """Record a turn of the batcher: the waiting times of its questions, and its size.

        Args:
            waits: Seconds that each question waited.
            pictures: Number of pictures that were answered together.
        """
        for seconds in waits:
            self.took(WAIT, seconds)
        self._turns.observe(pictures)

    def decided(self, decisions: Sequence[str]) -> None:
        """Count decisions."""
        if len(decisions) == 1:  # the usual case
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
        """All metrics in Prometheus's text format."""
        return prometheus.generate_latest(self.registry)


class _Distances(Collector):
    """A histogram of arrays of distances, with the latest values."""

    def __init__(self, threshold: float) -> None:
        self._edges = np.array(_OF_THRESHOLD) * threshold
        self._counts = np.zeros(len(self._edges) + 1, np.int64)
        self._sum = 0.0
        self._ring = np.zeros(_KEPT, np.float32)
        self._seen = 0
        self._lock = Lock()

    def add(self, values: Floats) -> None:
        """Add distances."""
        bins = np.searchsorted(self._edges, values)
        counts = np.bincount(bins, minlength=len(self._counts))
        with self._lock:
            self._counts += counts
            self._sum += float(values.sum(dtype=np.float64))
            kept = values[-_KEPT:]
            self._ring[(self._seen + np.arange(len(kept))) % _KEPT] = kept
            self._seen += len(kept)

    def latest(self) -> Floats:
        """The latest distances."""
        with self._lock:
            return self._ring[: min(self._seen, _KEPT)].copy()

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """The histogram, for Prometheus's client."""
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
