"""The map of the page: a sample of the references in the plane, and where pictures land."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from index.gallery import Gallery
from likewise.arrays import Doubles, Floats
from likewise.maps.layout import laid_out, placed, sample
from likewise.server.answering.answer import EMBED, Options
from likewise.server.answering.ask import ask, joined
from likewise.server.errors import ApiError
from likewise.server.openapi import ASKING, SUBJECT, errors, parameters
from likewise.server.requests.bodies import read_subject
from likewise.server.requests.validation import parsed_options
from likewise.server.schemas.gallery import Landed, Map, Place, Positions
from likewise.server.schemas.questions import EmbedOptions
from likewise.server.state import context_of

router = APIRouter(prefix="/v1/gallery")
POINTS = 1500  # two to three seconds of one core; more would not be told apart on a screen


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """A map, ready to be sent, and what places further vectors on it.

    Attributes:
        body: A `Map` as JSON.
        vectors: Of its n points, `(n, dim)`.
        places: Theirs, `(n, 2)`, in [0, 1].
    """

    body: bytes
    vectors: Floats
    places: Doubles


@router.get(
    "/map",
    summary="The references in the plane",
    response_class=Response,
    responses={200: {"model": Map}, **errors("empty_gallery", "not_ready")},
)
def map_of(request: Request) -> Response:
    """Lay out a sample of the references so that near ones lie together."""
    return Response(context_of(request).layout.get().body, media_type="application/json")


@router.post(
    "/map",
    summary="Where pictures land on the map",
    responses=errors(*ASKING, "not_ready"),
    openapi_extra={**SUBJECT, "parameters": [*parameters(EmbedOptions), *SUBJECT["parameters"]]},
)
async def land(request: Request) -> Positions:
    """Place pictures among the references on the map."""
    context = context_of(request)
    options = parsed_options(EmbedOptions, request.scope["query_string"])
    layout = await asyncio.to_thread(context.layout.get)
    subject = await read_subject(request, context, options.id)
    answers = await ask(context, Options(EMBED), subject)
    vectors, reasons = joined(answers)
    ids = [id for place, id in enumerate(subject.ids) if place not in reasons]
    places = await asyncio.to_thread(placed, vectors, layout.vectors, layout.places)
    return Positions(
        positions=[Landed(id=id, x=x, y=y) for id, (x, y) in zip(ids, places, strict=True)]
    )


def lay_out(gallery: Gallery) -> Layout:
    """Make the map.

    Raises:
        ApiError: If there are no references.
    """
    with gallery.snapshot() as generation:
        ids, labels, vectors = gallery.references()
    if not len(vectors):
        raise ApiError("empty_gallery", "There are no references to lay out.", "Add some first.")
    rows = sample(labels.tolist(), POINTS)
    places = laid_out(vectors[rows])
    points = [
        Place(id=ids[row], label=labels[row], x=x, y=y)
        for row, (x, y) in zip(rows.tolist(), places.tolist(), strict=True)
    ]
    body = Map(points=points, generation=generation).model_dump_json().encode()
    return Layout(body, vectors[rows], places)
