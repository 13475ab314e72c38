"""Routes about the gallery: groups, pictures, model, operating points."""

from __future__ import annotations

import hashlib
import io
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from likewise.comparison import pair_point
from likewise.server.admission import may_write
from likewise.server.errors import ApiError
from likewise.server.ids import ID
from likewise.server.openapi import errors
from likewise.server.schemas.fields import PathId
from likewise.server.schemas.gallery import (
    GalleryInfo,
    Group,
    GroupOptions,
    Groups,
    Model,
    RequestLimits,
)
from likewise.server.state import state_of

router = APIRouter(prefix="/v1")
# A browser keeps it and asks each time: an id may stand for another picture by now.
_CACHED = "private, no-cache"
_PNG = {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}


@router.get("/gallery", summary="What the gallery is")
def gallery(request: Request) -> GalleryInfo:
    """Get the gallery's size, model and operating points, and the limits of a request."""
    state = state_of(request)
    held, embedder, settings = state.matcher.gallery, state.matcher.embedder, state.settings
    with held.snapshot() as generation:
        points = held.points.all()
        return GalleryInfo(
            references=len(held),
            groups=held.count_groups(),
            unlabelled=held.count_unlabelled(),
            generation=generation,
            operating_points={name: point.to_json() for name, point in points.items()},
            default_point=held.points.default,
            pair_point=pair_point(held),
            outdated={
                name: sentence for name in points if (sentence := held.points.outdated(name))
            },
            writable=may_write(request),
            read_only=settings.read_only,
            model=Model(
                fingerprint=embedder.fingerprint,
                input_shape=list(embedder.input_shape),
                dim=embedder.dim,
                preprocessing=embedder.preprocessing,
                recipe=embedder.metadata.get("recipe"),
                figures=embedder.metadata.get("figures", {}),
            ),
            limits=RequestLimits(
                bytes=settings.max_bytes, pixels=settings.max_pixels, images=settings.max_images
            ),
        )


@router.get("/groups", summary="The groups", response_model_exclude_none=True)
def groups(request: Request, options: Annotated[GroupOptions, Query()]) -> Groups:
    """List the groups with their numbers of references and ids of samples, a page at a time."""
    entries, last = state_of(request).matcher.gallery.group_page(
        limit=options.limit, after=options.after, samples=options.samples
    )
    listed = [Group(label=label, references=size, samples=ids) for label, size, ids in entries]
    return Groups(groups=listed, next=last)


@router.get(
    f"/pictures{ID}",
    summary="A reference's picture",
    response_class=Response,
    responses={
        200: {**_PNG, "description": "As PNG"},
        304: {"description": "As the client has it"},
        **errors("not_found"),
    },
)
def picture(request: Request, id: PathId) -> Response:
    """Get a reference's stored picture, as the network sees it, as PNG."""
    reference = state_of(request).matcher.gallery.get(id)
    if reference.picture is None:
        raise ApiError(
            "not_found",
            "This reference was enrolled without a picture.",
            "Add it again with its picture.",
        )
    tag = f'"{hashlib.blake2b(reference.picture.tobytes(), digest_size=12).hexdigest()}"'
    headers = {"Cache-Control": _CACHED, "ETag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(_png(reference.picture), media_type="image/png", headers=headers)


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
