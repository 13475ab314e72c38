"""Routes of the references: list, read, enrol, remove."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import TypeAdapter

from embedder.errors import ImageError
from index.errors import ReferenceNotFoundError
from likewise.server.enrolling import (
    ADDED,
    REPLACED,
    UNCHANGED,
    Entry,
    Prepared,
    Status,
    enrol,
    read,
)
from likewise.server.errors import invalid
from likewise.server.ids import ID
from likewise.server.openapi import DELETE, PUT, UPSERT, errors
from likewise.server.requests.bodies import (
    IMAGE,
    JSON,
    as_vectors,
    check_count,
    decoded,
    media_type,
    parsed,
    read_body,
    unsupported,
)
from likewise.server.requests.forms import MULTIPART, Form, read_form
from likewise.server.schemas.answers import Unreadable
from likewise.server.schemas.fields import Id, Label, PathId
from likewise.server.schemas.references import (
    Ids,
    NewReference,
    NewReferences,
    OneReferenceOptions,
    Put,
    PutOptions,
    Reference,
    ReferenceName,
    ReferenceOptions,
    ReferencePage,
    Removed,
    RemovedSome,
    Upserted,
)
from likewise.server.state import Context, context_of

T = TypeVar("T")

router = APIRouter(prefix="/v1/references")
_TOKEN = re.compile("[0-9a-f]{1,15}")  # a place as a number of base 16: less than 2**63
_NAME: TypeAdapter[str] = TypeAdapter(Id)
_LABEL: TypeAdapter[str] = TypeAdapter(Label)
_METADATA: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


@router.get("", summary="List references")
def listed(request: Request, options: Annotated[ReferenceOptions, Query()]) -> ReferencePage:
    """List references in the order in which they were enrolled, a page at a time."""
    held = context_of(request).matcher.gallery
    after = _place(options.after) if options.after else 0
    names, last = held.page(limit=options.limit, after=after, label=options.label)
    return ReferencePage(
        references=[ReferenceName(id=id, label=label) for id, label in names],
        next=None if last is None else f"{last:x}",
    )


@router.post("", summary="Enrol several references", openapi_extra=UPSERT)
async def upsert(request: Request) -> Upserted:
    """Enrol references, all in one transaction; an id that is there already is replaced."""
    context = context_of(request)
    kind = media_type(dict(request.scope["headers"]))
    if kind == JSON:
        given: NewReferences = parsed(NewReferences, await read_body(request))
        entries = [_entry(one.id, one, context) for one in given.references]
    elif kind == MULTIPART:
        entries = await _uploaded(request, context)
    else:
        raise unsupported(kind, (MULTIPART, JSON))
    check_count(len(entries), context)
    told = await _enrolled(context, entries)
    return Upserted(
        **{name: told.count(name) for name in (ADDED, REPLACED, UNCHANGED)},
        unreadable=[
            Unreadable(id=entry.id, reason=str(error))
            for entry, error in zip(entries, told, strict=True)
            if isinstance(error, ImageError)
        ],
    )


@router.post("/delete", summary="Remove several references", openapi_extra=DELETE)
async def remove_some(request: Request) -> RemovedSome:
    """Remove references, all in one transaction; unknown ids are told and are no error."""
    context = context_of(request)
    kind = media_type(dict(request.scope["headers"]))
    if kind != JSON:
        raise unsupported(kind, (JSON,))
    given: Ids = parsed(Ids, await read_body(request))
    held = context.matcher.gallery
    known = await asyncio.to_thread(held.named, given.ids)
    removed = await _changed(context, held.remove, given.ids)
    missing = [id for id in dict.fromkeys(given.ids) if id not in known]
    return RemovedSome(removed=removed, missing=missing)


@router.get(
    ID,
    summary="One reference",
    response_model_exclude_none=True,
    responses=errors("not_found"),
)
def reference(
    request: Request, id: PathId, options: Annotated[OneReferenceOptions, Query()]
) -> Reference:
    """Tell what is known of a reference."""
    found = context_of(request).matcher.gallery.get(id)
    return Reference(
        id=found.id,
        label=found.label,
        metadata=dict(found.metadata),
        picture=found.picture is not None,
        vector=list(map(float, map(str, found.vector))) if options.vector else None,
    )


@router.put(
    ID,
    summary="Enrol one reference",
    openapi_extra=PUT,
    response_model=Put,
    responses={201: {"model": Put, "description": "Added"}, **errors("not_an_image")},
)
async def put(request: Request, id: PathId, options: Annotated[PutOptions, Query()]) -> Response:
    """Enrol a picture or a vector under this id, in place of what was there."""
    context = context_of(request)
    kind = media_type(dict(request.scope["headers"]))
    if kind.startswith(IMAGE):
        if options.label is None:
            raise invalid("A reference needs a label.", "Give it as ?label=...")
        entry = Entry(id, options.label, {}, picture=await read_body(request))
    elif kind == JSON:
        entry = _entry(id, parsed(NewReference, await read_body(request)), context)
    elif kind == MULTIPART:
        entry = await _form(request, id, context)
    else:
        raise unsupported(kind, (f"{IMAGE}*", MULTIPART, JSON))
    [status] = await _enrolled(context, [entry])
    if isinstance(status, ImageError):
        raise status.bare()
    told = Put(id=id, label=entry.label, status=status)
    return JSONResponse(told.model_dump(), 201 if status == ADDED else 200)


@router.delete(ID, summary="Remove one reference", responses=errors("not_found"))
async def remove(request: Request, id: PathId) -> Removed:
    """Remove the reference with this id."""
    context = context_of(request)
    removed = await _changed(context, context.matcher.gallery.remove, [id])
    if not removed:
        raise ReferenceNotFoundError(id)
    return Removed(removed=removed)


async def _enrolled(context: Context, entries: list[Entry]) -> list[Status | ImageError]:
    """What each entry has become, or why it cannot be read."""
    matcher, most = context.matcher, context.settings.max_pixels
    async with context.decoding:
        told = await asyncio.to_thread(read, entries, matcher.embedder, most)
    try:
        readable = [one for one in told if isinstance(one, Prepared)]
        statuses = iter(await _changed(context, enrol, matcher, readable))
    except ValueError as error:
        raise invalid(str(error)) from error
    return [one if isinstance(one, ImageError) else next(statuses) for one in told]


async def _changed(context: Context, change: Callable[..., T], *arguments: Any) -> T:
    """Change the gallery; whoever has to wait for that takes no thread from those who ask."""
    async with context.changing:
        return await asyncio.to_thread(change, *arguments)


async def _uploaded(request: Request, context: Context) -> list[Entry]:
    """The files of a form, all with one label."""
    most = context.settings.max_images
    form = await read_form(request, {"images"}, {"label"}, most=most)
    label = _label(form)
    return [
        Entry(_named(file.name), label, {}, picture=file.content) for file in form.files("images")
    ]


async def _form(request: Request, id: PathId, context: Context) -> Entry:
    most = context.settings.max_images
    form = await read_form(request, {"image"}, {"label", "metadata"}, most=most)
    files = form.files("image")
    if len(files) != 1:
        raise invalid("The form must hold one picture, as a file in the field `image`.")
    metadata = parsed(_METADATA, (form.text("metadata", b"") or "{}").encode(), "metadata")
    return Entry(id, _label(form), metadata, picture=files[0].content)


def _entry(id: str, given: NewReference, context: Context) -> Entry:
    if (given.data is None) == (given.vector is None):
        raise invalid("A reference is a picture, `data`, or a vector, `vector`: give one of them.")
    if given.data is not None:
        return Entry(id, given.label, given.metadata, picture=decoded(given.data))
    [vector] = as_vectors([given.vector or []], context.matcher)
    return Entry(id, given.label, given.metadata, vector=np.array(vector))


def _label(form: Form) -> str:
    return str(parsed(_LABEL, form.text("label"), "label"))


def _named(id: str) -> str:
    return str(parsed(_NAME, id, "filename"))


def _place(token: str) -> int:
    if not _TOKEN.fullmatch(token):
        raise invalid("`after` must be what `next` of the page before was.")
    return int(token, 16)
