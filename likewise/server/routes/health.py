"""Routes for operators: liveness, readiness, metrics."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from likewise.server.errors import ApiError
from likewise.server.metrics import CONTENT_TYPE
from likewise.server.openapi import errors
from likewise.server.schemas.gallery import Status
from likewise.server.state import state_of

router = APIRouter()
STALLED = 5.0  # seconds, far more than the questions of one turn take


@router.get("/healthz", summary="Whether the process lives")
async def healthz() -> Status:
    """Answer immediately, whatever the gallery's state."""
    return Status(status="ok")


@router.get("/readyz", summary="Whether it can answer", responses=errors("not_ready"))
async def readyz(request: Request) -> Status:
    """Answer ok once the vectors are loaded, while the gallery is in place and gives answers.

    A database is asked at most once a second.
    """
    state = state_of(request)
    if not state.ready.is_set():
        raise ApiError("not_ready", "The gallery is still being loaded.", "Try again in a second.")
    await state.reachable.require()
    if state.answering.batcher.busy() > STALLED:
        raise ApiError("not_ready", "The server is overloaded.", "Try again later.")
    return Status(status="ok")


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(request: Request) -> Response:
    """Get all metrics in Prometheus's text format."""
    return Response(state_of(request).metrics.text(), media_type=CONTENT_TYPE)
