"""The route that compares two pictures."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from embedder.data.images import read_image
from embedder.data.records import Record
from index.decision import CheckOptions
from likewise.comparison import compare_row, pair_threshold
from likewise.output.rows import Row, json_line
from likewise.server.answering.answer import check_options
from likewise.server.answering.question import CHECK, Options
from likewise.server.errors import invalid
from likewise.server.openapi import ASKING, PAIR, errors, parameters
from likewise.server.requests.bodies import (
    JSON,
    decoded,
    media_type,
    parsed,
    read_body,
    unsupported,
)
from likewise.server.requests.forms import MULTIPART, read_form
from likewise.server.requests.validation import parsed_options
from likewise.server.schemas.answers import CompareRow
from likewise.server.schemas.questions import CompareOptions, Pair
from likewise.server.state import ServerState, state_of

router = APIRouter(prefix="/v1")


@router.post(
    "/compare",
    summary="Compare two pictures",
    responses={200: {"model": CompareRow}, **errors(*ASKING)},
    openapi_extra={**PAIR, "parameters": parameters(CompareOptions)},
)
async def compare(request: Request) -> Response:
    """Compare two pictures: their distance, and whether they match."""
    state = state_of(request)
    options = parsed_options(CompareOptions, request.scope["query_string"])
    first, second = await _pair(request, state)
    row = await asyncio.to_thread(_compared, state, first, second, options.at)
    return Response(json_line(row)[:-1], media_type="application/json")


async def _pair(request: Request, state: ServerState) -> tuple[Record, Record]:
    """The two pictures of a request, decoded."""
    kind = media_type(dict(request.scope["headers"]))
    if kind == JSON:
        pair: Pair = parsed(Pair, await read_body(request))
        sides = [
            (side.id or name, decoded(side.data))
            for name, side in (("first", pair.first), ("second", pair.second))
        ]
    elif kind == MULTIPART:
        sides = await _uploaded_pair(request, state)
    else:
        raise unsupported(kind, (MULTIPART, JSON))
    most = state.settings.max_pixels
    async with state.decoding:
        pixels = [
            await asyncio.to_thread(read_image, content, max_pixels=most) for _, content in sides
        ]
    first, second = (Record(id, None, some) for (id, _), some in zip(sides, pixels, strict=True))
    return first, second


async def _uploaded_pair(request: Request, state: ServerState) -> list[tuple[str, bytes]]:
    form = await read_form(request, ("first", "second"), most=2)
    files = [form.files(field) for field in ("first", "second")]
    if [len(some) for some in files] != [1, 1]:
        raise invalid("A form must hold one file in the field `first` and one in `second`.")
    return [
        (file.name or field, file.content)
        for field, [file] in zip(("first", "second"), files, strict=True)
    ]


def _compared(state: ServerState, first: Record, second: Record, at: str | None) -> Row:
    matcher = state.matcher
    check_options(matcher.gallery, Options(CHECK, CheckOptions(at=at)))
    threshold = pair_threshold(matcher.gallery, at)
    return compare_row([first], [second], matcher.embedder, threshold)
