"""Routes check, query and embed.

Check and query are the busiest routes, so they are plain functions of the request: options are
cached by query string, rows are ready-made JSON.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from index.decision import CheckOptions
from likewise.arrays import Floats
from likewise.output.rows import json_line, shortest
from likewise.server.answering.question import CHECK, EMBED, QUERY, Answer, Options, joined
from likewise.server.errors import invalid
from likewise.server.metrics import READ
from likewise.server.openapi import asking
from likewise.server.requests.bodies import NPY, RAW, read_pictures
from likewise.server.requests.validation import given, parsed_options
from likewise.server.schemas.answers import CheckAnswer, Embeddings, QueryAnswer
from likewise.server.schemas.fields import Strict
from likewise.server.schemas.questions import EmbedOptions, NamedCheckParameters, QueryOptions
from likewise.server.state import ServerState, state_of

router = APIRouter(prefix="/v1")
State = Annotated[ServerState, Depends(state_of)]  # the gate passes its own
_MODELS: dict[str, type[Strict]] = {
    CHECK: NamedCheckParameters,
    QUERY: QueryOptions,
    EMBED: EmbedOptions,
}


@router.post("/check", summary="Check pictures", **asking(NamedCheckParameters, CheckAnswer))
async def check(request: Request, state: State) -> Response:
    """Decide for each picture which group it belongs to, if any."""
    return await _asked(request, state, CHECK)


@router.post("/query", summary="Find the nearest references", **asking(QueryOptions, QueryAnswer))
async def query(request: Request, state: State) -> Response:
    """Find the nearest references of each picture."""
    return await _asked(request, state, QUERY)


@router.post("/embed", summary="Embed pictures", **asking(EmbedOptions, Embeddings))
async def embed(request: Request, state: State) -> Response:
    """Embed pictures."""
    options, id, box = _options_of(EMBED, request.scope["query_string"])
    accepted = request.headers.get("accept", "")
    pictures = await read_pictures(request, state, id, box)
    answers = await state.answering.ask(options, pictures)
    vectors, reasons = joined(answers)
    if NPY in accepted:
        return Response(_as_npy(_with_gaps(vectors, reasons)), media_type=NPY)
    if RAW in accepted:
        return Response(_with_gaps(vectors, reasons).astype("<f4").tobytes(), media_type=RAW)
    rows = iter(vectors)
    places = range(len(pictures))
    body = {
        "ids": pictures.ids,
        "vectors": [None if place in reasons else shortest(next(rows)) for place in places],
        "unreadable": [
            {"id": pictures.ids[place], "reason": str(error)} for place, error in reasons.items()
        ],
        "fingerprint": state.matcher.gallery.fingerprint,
    }
    return _Ready(json_line(body)[:-1])


async def _asked(request: Request, state: ServerState, kind: str) -> Response:
    started = time.perf_counter()
    options, id, box = _options_of(kind, request.scope["query_string"])
    pictures = await read_pictures(request, state, id, box)
    state.metrics.took(READ, time.perf_counter() - started)
    answers = await state.answering.ask(options, pictures)
    request.scope["likewise.decisions"] = [name for answer in answers for name in answer.decisions]
    return _written(kind, answers)


def _written(kind: str, answers: Sequence[Answer]) -> Response:
    """Join the answers of a check's or query's pieces."""
    rows = b",".join(row for answer in answers for row in answer.rows)
    generation = min(answer.generation for answer in answers)
    if kind == QUERY:
        return _Ready(b'{"rows":[%b],"generation":%d}' % (rows, generation))
    point = json.dumps(answers[0].point).encode()
    return _Ready(b'{"rows":[%b],"generation":%d,"point":%b}' % (rows, generation, point))


def _with_gaps(vectors: Floats, reasons: Collection[int]) -> Floats:
    """One row per picture; NaN for an unreadable one."""
    count = len(vectors) + len(reasons)
    rows = np.full((count, vectors.shape[1]), np.nan, np.float32)
    rows[[place for place in range(count) if place not in reasons]] = vectors
    return rows


def _as_npy(vectors: Floats) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, vectors, allow_pickle=False)
    return buffer.getvalue()


@lru_cache(maxsize=1024)
def _options_of(kind: str, query_string: bytes) -> tuple[Options, str | None, str | None]:
    """Options of a question, and the given id and box of a picture that is the whole body.

    Raises:
        ApiError: If an option is unknown or invalid.
    """
    asked = parsed_options(_MODELS[kind], query_string)
    options = asked.model_dump(exclude={"id", "box"})
    if options.get("threshold") is not None and options.get("at") is not None:
        raise invalid("Pass `threshold` or `at`, not both.")
    return Options(kind, CheckOptions(**options)), given(asked, "id"), given(asked, "box")


class _Ready(Response):
    """Ready-made JSON."""

    def __init__(self, body: bytes) -> None:
        self.status_code = 200
        self.background = None
        self.body = body
        self.raw_headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
        ]
