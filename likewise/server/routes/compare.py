"""The route that compares two pictures."""

from __future__ import annotations

import asyncio

import numpy as np
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from embedder.decoders.task import Result
from embedder.errors import ImageError
from index.decision import CheckOptions
from likewise.arrays import Pixels
from likewise.comparison import pair_row, pair_threshold
from likewise.output.rows import Row, json_line
from likewise.server.answering.answer import check_options
from likewise.server.answering.pictures import Cropped
from likewise.server.answering.question import EMBED, Options
from likewise.server.errors import ApiError, invalid
from likewise.server.openapi import ASKING, PAIR, errors, parameters
from likewise.server.requests.bodies import (
    BOXES,
    JSON,
    media_type,
    part_of,
    parts_of,
    read_body,
    unsupported,
)
from likewise.server.requests.forms import MULTIPART, read_form
from likewise.server.requests.json_bodies import (
    JsonLimits,
    decoded,
    limits_of,
    off_loop,
    parsed,
)
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
    sides = await _pair(request, state)
    first, second = sides
    images = [_pixels(result) for result in await state.decoders.prepare([first[1], second[1]])]
    ids = (first[0], second[0])
    row = await asyncio.to_thread(_compared, state, ids, np.stack(images), options.at)
    return Response(json_line(row)[:-1], media_type="application/json")


async def _pair(request: Request, state: ServerState) -> list[tuple[str, bytes | Cropped]]:
    """The names and files of the two pictures of a request."""
    kind = media_type(dict(request.scope["headers"]))
    if kind == JSON:
        return await off_loop(await read_body(request), _pair_from_json, limits_of(state))
    if kind != MULTIPART:
        raise unsupported(kind, (MULTIPART, JSON))
    most = state.settings.max_images  # of the wrong number it is told what a form must hold
    form = await read_form(request, ("first", "second"), (BOXES,), most=most)
    files = [form.files(field) for field in ("first", "second")]
    if [len(files_of_side) for files_of_side in files] != [1, 1]:
        raise invalid("A form must hold one file in the field `first` and one in `second`.")
    first, second = (side for [side] in files)
    names, parts = parts_of(form, [first, second], state)
    return [(names[0] or "first", parts[0]), (names[1] or "second", parts[1])]


def _pair_from_json(body: bytes, limits: JsonLimits) -> list[tuple[str, bytes | Cropped]]:
    pair: Pair = parsed(Pair, body, limits)
    return [
        (side.id or name, part_of(decoded(side.data), side.box))
        for name, side in (("first", pair.first), ("second", pair.second))
    ]


def _pixels(result: Result | ImageError) -> Pixels:
    if isinstance(result, ImageError):
        raise result.bare()
    return result.pixels


def _compared(state: ServerState, ids: tuple[str, str], images: Pixels, at: str | None) -> Row:
    matcher = state.matcher
    check_options(matcher.gallery, Options(EMBED, CheckOptions(at=at)))
    if not matcher.gallery.points.all():
        raise ApiError("not_calibrated", "The gallery has no operating point yet.")
    threshold = pair_threshold(matcher.gallery, at)
    return pair_row(ids, images, matcher.embedder, threshold)
