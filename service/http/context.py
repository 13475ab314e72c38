"""What all routes of one application share."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event

from starlette.requests import HTTPConnection

from service.http.batching import Batcher
from service.http.job_runner import JobRunner
from service.http.job_store import JobStore
from service.http.questions import Answer, Question
from service.http.settings import Settings
from service.matcher import Matcher


@dataclass(frozen=True, slots=True)
class Context:
    """The gallery, and how it is served.

    Attributes:
        matcher: Embedder and gallery; may be shared between threads.
        settings: Limits and keys.
        batcher: Answers requests that come at the same time together.
        ready: Set once the gallery can answer.
        jobs: Large uploads on the disk.
        runner: Does them.
    """

    matcher: Matcher
    settings: Settings
    batcher: Batcher[Question, Answer]
    ready: Event
    jobs: JobStore
    runner: JobRunner


def context_of(request: HTTPConnection) -> Context:
    """The context of the application that a request came to."""
    context: Context = request.app.state.context
    return context
