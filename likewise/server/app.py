"""The ASGI application: routes, exception handlers, start and stop."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from index.address import Place
from index.errors import GalleryError
from likewise import __version__
from likewise.errors import LikewiseError
from likewise.matcher import Matcher
from likewise.server import drift, histograms
from likewise.server.answering.answer import Answering
from likewise.server.answering.decoders import Decoders
from likewise.server.cached import Cached
from likewise.server.errors import ApiError, as_api_error, invalid
from likewise.server.files import ServedFile
from likewise.server.gate import Gate
from likewise.server.jobs.look import UploadInspector
from likewise.server.jobs.runner import JobRunner
from likewise.server.jobs.store import JobStore
from likewise.server.logs import Log, noted
from likewise.server.metrics import Metrics
from likewise.server.openapi import completed
from likewise.server.reachable import Reachable
from likewise.server.reference_map import lay_out
from likewise.server.requests.faults import fault
from likewise.server.routes import (
    check,
    compare,
    distances,
    gallery,
    health,
    jobs,
    map,
    references,
)
from likewise.server.settings import Settings
from likewise.server.state import ServerState

PAGE = Path(__file__).parent / "page"
_PAGE_FILES = frozenset(path.name for path in PAGE.iterdir() if path.is_file())
# Called by the gate; the framework only documents them.
HOT = {("POST", "/v1/check"): check.check, ("POST", "/v1/query"): check.query}
_ROUTES = (check, compare, distances, map, gallery, references, jobs, health)
_AGAIN = 1.0  # seconds between two attempts to load the gallery
_UNDER_WAY = 20_000  # objects of a full turn, which a garbage collection would scan


class Application(FastAPI):
    """The framework's application, with a complete OpenAPI document."""

    def openapi(self) -> dict[str, Any]:
        """Describe the service, OpenAPI 3.1."""
        if self.openapi_schema is None:
            self.openapi_schema = completed(super().openapi())
        return self.openapi_schema


def create_app(
    place: Place, settings: Settings, tell: Callable[[str], object] = lambda line: None
) -> Gate:
    """Create the ASGI application of a gallery, which is opened now and closed at shutdown.

    Args:
        place: The gallery, a directory or an address.
        settings: Limits and keys.
        tell: Called with each log line.

    Raises:
        GalleryError: If there is no gallery at `place`, or it is damaged.
        ModelError: If its embedder is missing or altered.
    """
    matcher = _opened(place, settings, tell)
    state = _state(matcher, settings, Log(tell, every=settings.log_all))
    app = Application(
        title="likewise",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.server = state
    for part in _ROUTES:
        app.include_router(part.router)
    app.add_api_route("/", _page, include_in_schema=False)
    app.add_api_route("/page/{name}", _page, include_in_schema=False)
    app.add_exception_handler(RequestValidationError, _not_valid)
    for error in (HTTPException, LikewiseError, TimeoutError, Exception):
        app.add_exception_handler(error, _failed)
    return Gate(app, state, HOT)


def _opened(place: Place, settings: Settings, tell: Callable[[str], object]) -> Matcher:
    """The gallery, its references on a cluster where that is asked for."""
    matcher = Matcher.open(place)
    if settings.ray is not None and settings.parts is not None:
        from likewise.spread.actors import spread_over  # needs an extra

        try:
            spread_over(
                *(settings.ray, matcher.gallery, settings.parts),
                patience=0,
                tell=lambda sentence: tell(noted(sentence)),
            )
        except BaseException:
            matcher.close()
            raise
    return matcher


def _state(matcher: Matcher, settings: Settings, log: Log) -> ServerState:
    held = matcher.gallery
    threshold = 1.0 if held.points.default is None else held.points.rule().limits.threshold
    metrics = Metrics(threshold or 1.0)
    place = held.place.resolve() if isinstance(held.place, Path) else held.place
    path = held.path.resolve()
    jobs = settings.jobs or path.with_name(f"{path.name}.jobs")
    store = JobStore(jobs, settings.keep_jobs)
    if settings.jobs is not None:  # the one beside the gallery is made with the first job
        store.require_writable()
    decoders = Decoders(matcher.embedder, settings.max_pixels, settings.decode_timeout)
    answering = Answering(matcher, metrics, decoders)
    due = Cached(lambda: drift.expected(held), lambda: histograms.version_of(held))
    metrics.gauge(
        "likewise_queue", "Questions that wait to be answered.", lambda: len(answering.batcher)
    )
    metrics.gauge("likewise_references", "References in the gallery.", lambda: len(held))
    metrics.gauge("likewise_generation", "Changes of the gallery so far.", lambda: held.generation)
    metrics.gauge("likewise_jobs", "Large uploads that wait or are checked.", store.unfinished)
    metrics.gauge(
        "likewise_drift",
        "Population stability index of the latest distances to the nearest reference, against what "
        "the gallery and its calibration lead to expect; above 0.25 is much. NaN while unknown.",
        lambda: drift.now(metrics.live(), due),
    )
    return ServerState(
        matcher=matcher,
        settings=settings,
        answering=answering,
        ready=Event(),
        reachable=Reachable(matcher.gallery),
        decoders=decoders,
        changing=asyncio.Lock(),
        distances=Cached(lambda: histograms.measure(held), lambda: histograms.version_of(held)),
        layout=Cached(lambda: lay_out(held), lambda: held.generation),
        inspector=UploadInspector(),
        jobs=store,
        runner=JobRunner(store, place, settings.keep_jobs, settings.decode_timeout),
        metrics=metrics,
        log=log,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state: ServerState = app.state.server
    state.answering.batcher.start()
    if state.settings.parts is None:  # else a job would hold all references by itself
        state.runner.start()
    before = gc.get_threshold()
    ending = Event()
    loading = asyncio.create_task(asyncio.to_thread(_load, state, ending))
    yield
    ending.set()
    await loading
    await asyncio.to_thread(state.decoders.close)
    await asyncio.to_thread(state.inspector.close)
    await asyncio.to_thread(state.runner.close)
    await asyncio.to_thread(state.answering.batcher.close)
    state.matcher.close()
    gc.set_threshold(*before)


def _load(state: ServerState, ending: Event) -> None:
    """Warm up, again and again where that fails: a database or a part that is away comes back."""
    told = ""
    while not (state.ready.is_set() or ending.is_set()):
        try:
            _warm(state)
        except (GalleryError, OSError) as error:
            if str(error) != told:
                state.log.failure("The gallery cannot be loaded.", error)
            told = str(error)
            ending.wait(_AGAIN)


def _warm(state: ServerState) -> None:
    """Load the vectors, then the names of a small gallery.

    Then freeze all objects and raise the collector's threshold: scanning the libraries' objects
    stopped all requests for 40 ms, every few thousand requests, and answers in progress were
    scanned twice in each turn of 64.
    """
    state.matcher.gallery.warm()
    state.ready.set()
    state.matcher.gallery.read_names()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_UNDER_WAY)


async def _page(name: str = "index.html") -> Response:
    """Serve a file of the page; a request selects a known name and never builds a path."""
    if name not in _PAGE_FILES:
        raise ApiError("not_found", "The page has no such file.", "The page itself is at /.")
    return ServedFile(PAGE / name, headers={"Cache-Control": "no-cache"})


async def _not_valid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    details = error.errors()[0]
    where = ".".join(str(part) for part in details["loc"][1:]) or str(details["loc"][0])
    return invalid(fault(where, details)).response()


async def _failed(request: Request, error: Exception) -> Response:
    return as_api_error(error).response()
