"""Routes of the references: list, read, picture."""

from __future__ import annotations

import io
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from service.http.context import context_of
from service.http.errors import ApiError
from service.http.schemas import (
    OneReferenceOptions,
    Reference,
    ReferenceName,
    ReferenceOptions,
    ReferencePage,
)

router = APIRouter(prefix="/v1")


@router.get("/references", summary="List references")
def references(request: Request, options: Annotated[ReferenceOptions, Query()]) -> ReferencePage:
    """List references in the order in which they were enrolled, a page at a time."""
    held = context_of(request).matcher.gallery
    ids, labels, _ = held.references()
    start = int(options.after or 0)
    named = [
        (place, id, label)
        for place, (id, label) in enumerate(zip(ids, labels, strict=True))
        if place >= start and options.label in (None, label)
    ]
    page = named[: options.limit]
    more = len(named) > len(page)
    return ReferencePage(
        references=[ReferenceName(id=id, label=label) for _, id, label in page],
        next=str(page[-1][0] + 1) if more else None,
    )


@router.get("/references/{id:path}", summary="One reference", response_model_exclude_none=True)
def reference(
    request: Request, id: str, options: Annotated[OneReferenceOptions, Query()]
) -> Reference:
    """Tell what is known of a reference."""
    found = context_of(request).matcher.gallery.get(id)
    return Reference(
        id=found.id,
        label=found.label,
        metadata=dict(found.metadata),
        picture=found.picture is not None,
        vector=found.vector.tolist() if options.vector else None,
    )


@router.get("/pictures/{id:path}", summary="A reference's picture", response_class=Response)
def picture(request: Request, id: str) -> Response:
    """Give the stored picture of a reference, as the network takes it, as PNG."""
    from PIL import Image

    found = context_of(request).matcher.gallery.get(id)
    if found.picture is None:
        raise ApiError("not_found", "This reference was enrolled without a picture.")
    buffer = io.BytesIO()
    Image.fromarray(found.picture).save(buffer, "PNG")
    return Response(
        buffer.getvalue(),
        media_type="image/png",
        headers={"Cache-Control": "private, max-age=300"},
    )
