"""Routes that answer questions: check, query, compare, embed.

Check and query are asked the most, so they stay a plain function of the request: options are parsed
once for each different query string, rows come as ready JSON.
"""

from __future__ import annotations

import asyncio
import json
from functools import lru_cache
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from service.http.bodies import first_error, read_subject
from service.http.context import Context, context_of
from service.http.errors import invalid, not_an_image
from service.http.questions import Answer, Options, Question, Subject
from service.http.schemas import CheckOptions, QueryOptions, Strict

PIECE = 256  # pictures of one request that are answered in one turn


async def check(request: Request) -> Response:
    """Decide for each picture which group it belongs to, if any."""
    options, id = _options("check", CheckOptions, request.scope["query_string"])
    rows, generation, point = await _rows(request, options, id)
    named = json.dumps(point).encode()
    return _Ready(b'{"rows": [%b], "generation": %d, "point": %b}' % (rows, generation, named))


async def query(request: Request) -> Response:
    """Find the nearest references of each picture."""
    options, id = _options("query", QueryOptions, request.scope["query_string"])
    rows, generation, _ = await _rows(request, options, id)
    return _Ready(b'{"rows": [%b], "generation": %d}' % (rows, generation))


async def _rows(request: Request, options: Options, id: str) -> tuple[bytes, int, str | None]:
    """The rows of a request's pictures, as they stand in a list, and what answered."""
    context = context_of(request)
    subject = await read_subject(request, context, id)
    answers = await ask(context, options, subject)
    if len(subject) == 1 and answers[0].reasons:
        raise not_an_image(answers[0].reasons[0])
    rows = b", ".join(row for answer in answers for row in answer.rows)
    return rows, min(answer.generation for answer in answers), answers[0].point


async def ask(context: Context, options: Options, subject: Subject) -> list[Answer]:
    """Ask about a subject, a large one in pieces."""
    if len(subject) <= PIECE:
        return [await context.batcher.ask(Question(options, subject), len(subject))]
    pieces = [subject.cut(start, start + PIECE) for start in range(0, len(subject), PIECE)]
    return await asyncio.gather(
        *(context.batcher.ask(Question(options, some), len(some), piece=True) for some in pieces)
    )


def parsed_options(model: type[Strict], query_string: bytes) -> Strict:
    """Read a query string as a model.

    Raises:
        ApiError: If an option is unknown, given twice, or does not fit.
    """
    try:
        given = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(query_string),
            errors="strict",
        )
    except ValueError as error:
        raise invalid(
            "The query string must be name=value pairs of percent-encoded UTF-8."
        ) from error
    options = {name: value for name, value in given if value}  # an empty value stands for none
    if len(dict(given)) != len(given):
        raise invalid("An option must not be given twice.")
    try:
        return model.model_validate(options)
    except ValidationError as error:
        raise first_error(error) from error


@lru_cache(maxsize=1024)
def _options(kind: str, model: type[Strict], query_string: bytes) -> tuple[Options, str]:
    """The options of a question, and the name of a picture that is the whole body."""
    given = parsed_options(model, query_string).model_dump()
    id = given.pop("id")
    if given.get("threshold") is not None and given["at"] is not None:
        raise invalid("Give `threshold` or `at`, not both.")
    return Options(kind, **given), id


class _Ready(Response):
    """JSON that is written already."""

    def __init__(self, body: bytes) -> None:
        self.status_code = 200
        self.background = None
        self.body = body
        self.raw_headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
        ]
