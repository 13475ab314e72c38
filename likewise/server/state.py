"""The state of one server, shared by its routes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from threading import Event

from starlette.requests import HTTPConnection

from likewise.matcher import Matcher
from likewise.server.answering.answer import Answering
from likewise.server.answering.decoders import Decoders
from likewise.server.cached import Cached
from likewise.server.jobs.look import UploadInspector
from likewise.server.jobs.runner import JobRunner
from likewise.server.jobs.store import JobStore
from likewise.server.logs import Log
from likewise.server.metrics import Metrics
from likewise.server.reachable import Reachable
from likewise.server.reference_map import Layout
from likewise.server.schemas.gallery import Distances
from likewise.server.settings import Settings


@dataclass(frozen=True, slots=True)
class ServerState:
    """State of the server.

    Attributes:
        matcher: Embedder and gallery; may be shared between threads.
        settings: Limits and keys.
        answering: Answers questions about pictures.
        ready: Set once the gallery can answer.
        reachable: Asks the gallery's database whether it is there.
        decoders: Prepare pictures that would delay other requests.
        changing: Lock of the request that changes the gallery.
        distances: Histograms of the references' distances.
        layout: The map of the references.
        inspector: What counts the pictures of uploads before they are accepted.
        jobs: Large uploads on disk.
        runner: Runs the jobs.
        metrics: Prometheus metrics.
        log: Log of requests.
    """

    matcher: Matcher
    settings: Settings
    answering: Answering
    ready: Event
    reachable: Reachable
    decoders: Decoders
    changing: asyncio.Lock
    distances: Cached[Distances]
    layout: Cached[Layout]
    inspector: UploadInspector
    jobs: JobStore
    runner: JobRunner
    metrics: Metrics
    log: Log


def state_of(request: HTTPConnection) -> ServerState:
    """The state of the server that received a request."""
    state: ServerState = request.app.state.server
    return state
