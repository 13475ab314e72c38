"""What all routes of one application share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from likewise.matcher import Matcher
from likewise.server.answering.answer import Answer, Question
from likewise.server.answering.batcher import Batcher
from likewise.server.cached import Kept
from likewise.server.jobs.runner import JobRunner
from likewise.server.jobs.store import JobStore
from likewise.server.logs import Log
from likewise.server.metrics import Metrics
from likewise.server.schemas.gallery import Distances
from likewise.server.settings import Settings

if TYPE_CHECKING:  # what is computed by a module of routes, which need the context
    from likewise.server.routes.map import Layout


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
