"""Routes of the map: a sample of the references, and the positions of pictures."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import Response

from likewise.maps.layout import placed
from likewise.server.answering.question import EMBED, Options, joined
from likewise.server.openapi import ASKING, PICTURES, errors, parameters
from likewise.server.requests.bodies import read_pictures
from likewise.server.requests.validation import given, parsed_options
from likewise.server.schemas.gallery import Landed, Map, Positions
from likewise.server.schemas.questions import EmbedOptions
from likewise.server.state import state_of

router = APIRouter(prefix="/v1/gallery")


@router.get(
    "/map",
    summary="The references in the plane",
    response_class=Response,
    responses={200: {"model": Map}, **errors("empty_gallery", "not_ready")},
)
def map_of(request: Request) -> Response:
    """Get a map of a sample of the references, on which near ones are close."""
    return Response(state_of(request).layout.get().body, media_type="application/json")


@router.post(
    "/map",
    summary="Where pictures land on the map",
    responses=errors(*ASKING, "not_ready"),
    openapi_extra={**PICTURES, "parameters": [*parameters(EmbedOptions), *PICTURES["parameters"]]},
)
async def land(request: Request) -> Positions:
    """Place pictures on the map."""
    state = state_of(request)
    options = parsed_options(EmbedOptions, request.scope["query_string"])
    layout = await asyncio.to_thread(state.layout.get)
    pictures = await read_pictures(request, state, given(options, "id"), options.box)
    answers = await state.answering.ask(Options(EMBED), pictures)
    vectors, reasons = joined(answers)
    ids = [id for place, id in enumerate(pictures.ids) if place not in reasons]
    places = await asyncio.to_thread(placed, vectors, layout.vectors, layout.places)
    return Positions(
        positions=[Landed(id=id, x=x, y=y) for id, (x, y) in zip(ids, places, strict=True)]
    )
