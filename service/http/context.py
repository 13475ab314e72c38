"""What all routes of one application share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from service.http.batching import Batcher
from service.http.job_runner import JobRunner
from service.http.job_store import JobStore
from service.http.kept import Kept
from service.http.logs import Log
from service.http.metrics import Metrics
from service.http.questions import Answer, Question
from service.http.schemas.gallery import Distances
from service.http.settings import Settings
from service.matcher import Matcher

if TYPE_CHECKING:  # what is computed by a module of routes, which need the context
    from service.http.mapping import Layout


@dataclass(frozen=True, slots=True)
class Context:
    """The gallery, and how it is served.

    Attributes:
        matcher: Embedder and gallery; may be shared between threads.
        settings: Limits and keys.
        batcher: Answers requests that come at the same time together.
        ready: Set once the gallery can answer.
        decoding: Holds how many requests may decode large pictures at a time.
        changing: Held by the request that changes the gallery.
        distances: Histograms of the references' distances.
        layout: The map of the references.
        jobs: Large uploads on the disk.
        runner: Does them.
        metrics: What Prometheus is told.
        log: Where requests are told of.
    """

    matcher: Matcher
    settings: Settings
    batcher: Batcher[Question, Answer]
    ready: Event
    decoding: asyncio.Semaphore
    changing: asyncio.Lock
    distances: Kept[Distances]
    layout: Kept[Layout]
    jobs: JobStore
    runner: JobRunner
    metrics: Metrics
    log: Log


def context_of(request: HTTPConnection) -> Context:
    """The context of the application that a request came to."""
    context: Context = request.app.state.context
    return context
