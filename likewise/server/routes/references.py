"""Routes of the references: list, read, enrol, remove."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, TypeVar, get_args

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from embedder.errors import ImageError
from index.errors import ReferenceNotFoundError
from likewise.conflicts import ADDED, ConflictError, Entry, OnConflict, Status
from likewise.enrolment import enrol
from likewise.server.errors import ApiError, invalid
from likewise.server.ids import ID
from likewise.server.openapi import DELETE, PUT, UPSERT, errors
from likewise.server.requests.bodies import JSON, media_type, read_body, unsupported
from likewise.server.requests.json_bodies import JsonLimits, limits_of, off_loop, parsed
from likewise.server.requests.references import Upload, decode, read_upload, read_uploads
from likewise.server.schemas.answers import Unreadable
from likewise.server.schemas.fields import NewPathId, PathId
from likewise.server.schemas.references import (
    Ids,
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
    UpsertOptions,
)
from likewise.server.state import ServerState, state_of

T = TypeVar("T")

router = APIRouter(prefix="/v1/references")
_RESOLVE = "Give ?on_conflict=replace, skip, or rename, with ?source= to put before the ids."
_RENAMED_TOO = "Renamed, they are taken too: give other ids, or ?on_conflict=replace or skip."
_TOKEN = re.compile("[0-9a-f]{1,15}")  # a position in base 16, less than 2**63


@router.get("", summary="List references")
def listed(request: Request, options: Annotated[ReferenceOptions, Query()]) -> ReferencePage:
    """List references in the order in which they were enrolled, a page at a time."""
    held = state_of(request).matcher.gallery
    after = _place(options.after) if options.after else 0
    if options.label is not None and options.unlabelled:
        raise invalid("Pass `label` or `unlabelled`, not both.")
    names, last = held.page(
        limit=options.limit, after=after, label=options.label, unlabelled=options.unlabelled
    )
    return ReferencePage(
        references=[ReferenceName(id=id, label=label) for id, label in names],
        next=None if last is None else f"{last:x}",
    )


@router.post(
    "",
    summary="Enrol several references",
    openapi_extra=UPSERT,
    responses=errors("conflict"),
)
async def upsert(request: Request, options: Annotated[UpsertOptions, Query()]) -> Upserted:
    """Enrol references in one transaction.

    An id that another picture or label has, in the gallery or in this request, is refused unless
    `on_conflict` says otherwise; then nothing is enrolled.
    """
    state = state_of(request)
    uploads = await read_uploads(request, state, unlabelled=options.unlabelled)
    results = await _enrolled(state, uploads, options.on_conflict, options.source)
    return Upserted(
        **{status: results.count(status) for status in get_args(Status)},
        unreadable=[
            Unreadable(id=upload.id, reason=str(result))
            for upload, result in zip(uploads, results, strict=True)
            if isinstance(result, ImageError)
        ],
    )


@router.post("/delete", summary="Remove several references", openapi_extra=DELETE)
async def remove_some(request: Request) -> RemovedSome:
    """Remove references in one transaction; unknown ids are reported, not an error."""
    state = state_of(request)
    kind = media_type(dict(request.scope["headers"]))
    if kind != JSON:
        raise unsupported(kind, (JSON,))
    ids: Ids = await off_loop(await read_body(request), _ids, limits_of(state))
    held = state.matcher.gallery
    known = await asyncio.to_thread(held.named, ids.ids)
    removed = await _changed(state, held.remove, ids.ids)
    missing = [id for id in dict.fromkeys(ids.ids) if id not in known]
    return RemovedSome(removed=removed, missing=missing)


@router.get(
    ID,
    summary="One reference",
    response_model_exclude_unset=True,
    responses=errors("not_found"),
)
def reference(
    request: Request, id: PathId, options: Annotated[OneReferenceOptions, Query()]
) -> Reference:
    """Get a reference."""
    stored = state_of(request).matcher.gallery.get(id)
    return Reference(
        id=stored.id,
        label=stored.label,
        metadata=dict(stored.metadata),
        picture=stored.picture is not None,
        **({"vector": list(map(float, map(str, stored.vector)))} if options.vector else {}),
    )


@router.put(
    ID,
    summary="Enrol one reference",
    openapi_extra=PUT,
    response_model=Put,
    responses={201: {"model": Put, "description": "Added"}, **errors("not_an_image")},
)
async def put(request: Request, id: NewPathId, options: Annotated[PutOptions, Query()]) -> Response:
    """Enrol a picture or a vector under this id, replacing any earlier one."""
    state = state_of(request)
    upload = await read_upload(
        *(request, state),
        id=id,
        label=options.label,
        unlabelled=options.unlabelled,
        box=options.box,
    )
    [result] = await _enrolled(state, [upload])
    if isinstance(result, ImageError):
        raise result.bare()
    body = Put(id=upload.id, label=upload.label, status=result)
    return JSONResponse(body.model_dump(), 201 if result == ADDED else 200)


@router.delete(ID, summary="Remove one reference", responses=errors("not_found"))
async def remove(request: Request, id: PathId) -> Removed:
    """Remove the reference with this id."""
    state = state_of(request)
    removed = await _changed(state, state.matcher.gallery.remove, [id])
    if not removed:
        raise ReferenceNotFoundError(id)
    return Removed(removed=removed)


async def _enrolled(
    state: ServerState,
    uploads: list[Upload],
    on_conflict: OnConflict = "replace",
    source: str = "",
) -> list[Status | ImageError]:
    """The outcome or error of each upload."""
    embedder, gallery = state.matcher.embedder, state.matcher.gallery
    results = await decode(uploads, state.decoders)
    decoded = (result for result in results if isinstance(result, Entry))
    entries = [replace(entry, source=source) for entry in decoded]
    try:
        statuses = iter(await _changed(state, enrol, embedder, gallery, entries, on_conflict))
    except ConflictError as error:
        hint = _RENAMED_TOO if error.renamed else _RESOLVE
        raise ApiError("conflict", error.fact, hint) from error
    except ValueError as error:
        raise invalid(str(error)) from error
    return [result if isinstance(result, ImageError) else next(statuses) for result in results]


async def _changed(state: ServerState, change: Callable[..., T], *arguments: Any) -> T:
    """Change the gallery; waiting requests occupy no thread.

    A cancelled change runs on in its thread, so it keeps the lock until it has ended.
    """
    await state.changing.acquire()
    running = asyncio.get_running_loop().run_in_executor(None, partial(change, *arguments))

    def end(ended: asyncio.Future[T]) -> None:
        state.changing.release()
        if not ended.cancelled():
            ended.exception()  # marks it as seen, because nobody may wait for it any more

    running.add_done_callback(end)
    return await asyncio.shield(running)


def _ids(body: bytes, limits: JsonLimits) -> Ids:
    ids: Ids = parsed(Ids, body, limits)
    return ids


def _place(token: str) -> int:
    if not _TOKEN.fullmatch(token):
        raise invalid("`after` must be the `next` of the previous page.")
    return int(token, 16)
