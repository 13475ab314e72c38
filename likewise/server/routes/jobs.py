"""Routes of jobs: large uploads that are checked in the background.

Jobs belong to the server, not to a key: every read key sees all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from fastapi.responses import Response

from index.decision import CheckOptions
from likewise.server.answering.answer import check_options
from likewise.server.answering.question import CHECK, Options
from likewise.server.errors import ApiError, invalid
from likewise.server.files import ServedFile
from likewise.server.jobs.sources import LIMITS
from likewise.server.jobs.store import DONE, RESULTS, JobStore, StoredJob
from likewise.server.jobs.uploads import CSV_TYPE, ZIP_TYPES, receive
from likewise.server.openapi import body, errors, files, form
from likewise.server.requests.forms import MULTIPART
from likewise.server.schemas.jobs import JobInfo, JobList, JobOptions, ResultOptions
from likewise.server.state import ServerState, state_of

router = APIRouter(prefix="/v1/jobs")
JobId = Annotated[str, InPath(description="Id of the job.", examples=["0650b8d2f1a3c4-5e6f7a8b"])]
TYPES = {
    "jsonl": "application/jsonl",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
_FILE = {"schema": {"type": "string", "format": "binary"}}
_BODY = body(
    {
        ZIP_TYPES[0]: _FILE,
        CSV_TYPE: _FILE,
        MULTIPART: form(["images"], images=files("Many pictures, or one zip or CSV.")),
    }
)
_REFUSED = (
    "too_slow",
    "empty_gallery",
    "no_groups",
    "not_calibrated",
    "read_only",
    "too_large",
    "unsupported_media_type",
    "disk_full",
)


@router.post(
    "/check",
    status_code=202,
    summary="Check a large upload",
    responses=errors(*_REFUSED),
    openapi_extra=_BODY,
)
async def submit(
    request: Request, response: Response, options: Annotated[JobOptions, Query()]
) -> JobInfo:
    """Submit a zip, a CSV or many files as a job; `Location` is where to follow it.

    Pictures in a zip are selected as by `likewise check`: by file name ending, without hidden
    files. The result is that of `likewise check -o`, to the byte.
    """
    state = state_of(request)
    if state.settings.parts is not None:
        raise invalid(
            "This server has its references on a cluster, and runs no jobs.",
            "Ask /v1/check for some pictures at a time, or run likewise check --ray --parts.",
        )
    asked = options.model_dump(exclude={"name"})
    await asyncio.to_thread(_check_options, state, asked)
    store, most = state.jobs, state.settings.max_jobs
    await asyncio.to_thread(_require_room, store, most)
    with _usable(), store.staging() as directory:
        source, name = await receive(request, directory, name=options.name, most=LIMITS.entries)
        total = await state.inspector.count(directory, source, name)
        await asyncio.to_thread(_require_room, store, most)  # others may have come meanwhile
        job = await asyncio.to_thread(store.submit, directory, source, name, asked, total)
    state.runner.wake()
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return _info(job)


@router.get("", summary="All jobs")
def jobs(request: Request) -> JobList:
    """List all jobs, of all keys, the latest first."""
    with _usable():
        return JobList(jobs=[_info(job) for job in state_of(request).jobs.all()])


@router.get("/{id}", summary="One job", responses=errors("not_found"))
def job(request: Request, id: JobId) -> JobInfo:
    """Get the state and progress of a job."""
    return _info(_found(request, id))


@router.get(
    "/{id}/result",
    summary="The rows of a job",
    response_class=ServedFile,
    responses={
        200: {"content": {kind.partition(";")[0]: _FILE for kind in TYPES.values()}},
        **errors("not_found", "not_finished"),
    },
)
def result(request: Request, id: JobId, options: Annotated[ResultOptions, Query()]) -> ServedFile:
    """Get the rows of a finished job, in the order of its pictures."""
    stored = _found(request, id)
    if stored.state != DONE:
        raise ApiError(
            "not_finished",
            f"The job is {stored.state}, so there is no result.",
            "GET the job: its error says why."
            if stored.is_finished
            else "Ask for the job until its state is done.",
        )
    name = RESULTS[options.format]
    path = state_of(request).jobs.directory(id) / name
    if not path.exists():
        raise ApiError(
            "not_found",
            f"The job has no result in the format {options.format}.",
            "Ask for jsonl or csv. For Parquet, the server needs: pip install 'likewise[parquet]'",
        )
    return ServedFile(path, media_type=TYPES[options.format], filename=name)


@router.delete(
    "/{id}",
    status_code=204,
    summary="Cancel and remove a job",
    responses=errors("not_found"),
)
def remove(request: Request, id: JobId) -> None:
    """Cancel a job if it is unfinished, and remove it with its result."""
    if not state_of(request).jobs.remove(id):
        raise _unknown(id)


def _require_room(store: JobStore, most: int) -> None:
    """Refuse a job while `most` others wait or run."""
    with _usable():
        waiting = store.unfinished()
    if waiting >= most:
        raise ApiError("too_many", f"{most} jobs are already waiting.", "Try again later.")


def _found(request: Request, id: JobId) -> StoredJob:
    job = state_of(request).jobs.get(id)
    if job is None:
        raise _unknown(id)
    return job


def _unknown(id: str) -> ApiError:
    return ApiError("not_found", "There is no such job.", "GET /v1/jobs lists all.")


@contextmanager
def _usable() -> Iterator[None]:
    """Say so where the directory of the jobs cannot be read or written, or is none."""
    try:
        yield
    except (PermissionError, FileExistsError, FileNotFoundError, NotADirectoryError) as error:
        raise ApiError(
            "read_only",
            "This server has no writable directory for jobs.",
            "Start it with --jobs DIR.",
        ) from error


def _check_options(state: ServerState, asked: dict[str, Any]) -> None:
    """Refuse invalid options before the upload is read."""
    if asked["threshold"] is not None and asked["at"] is not None:
        raise invalid("Pass `threshold` or `at`, not both.")
    check_options(state.matcher.gallery, Options(CHECK, CheckOptions(**asked)))
    state.matcher.gallery.neighbours_of(asked["k"])  # fails for an empty gallery
    state.matcher.gallery.require_groups()


def _info(job: StoredJob) -> JobInfo:
    return JobInfo.model_validate(asdict(job))
