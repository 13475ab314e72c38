"""The route of the histograms of distances."""

from __future__ import annotations

from fastapi import APIRouter, Request

from likewise.server.openapi import errors
from likewise.server.schemas.gallery import Distances
from likewise.server.state import state_of

router = APIRouter(prefix="/v1/gallery")


@router.get(
    "/distances", summary="Histograms of distances", responses=errors("empty_gallery", "not_ready")
)
def distances(request: Request) -> Distances:
    """Histograms of the distances between references, and the error rates at each threshold."""
    return state_of(request).distances.get()
