"""Routes that tell what the gallery is: its groups, its model, its operating points."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from service.http.context import context_of
from service.http.gate import may_write
from service.http.schemas import GalleryInfo, Group, GroupOptions, Groups, Limits, Model

router = APIRouter(prefix="/v1")


@router.get("/gallery", summary="What the gallery is")
def gallery(request: Request) -> GalleryInfo:
    """Tell its size, its model, its operating points, and the limits of a request."""
    context = context_of(request)
    held, embedder, settings = context.matcher.gallery, context.matcher.embedder, context.settings
    points = held.operating_points
    return GalleryInfo(
        references=len(held),
        groups=len(held.labels),
        generation=held.generation,
        operating_points=points,
        default_point=held.default_point,
        outdated={name: told for name in points if (told := held.outdated(name))},
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
        limits=Limits(
            bytes=settings.max_bytes, pixels=settings.max_pixels, images=settings.max_images
        ),
    )


@router.get("/groups", summary="The groups")
def groups(request: Request, options: Annotated[GroupOptions, Query()]) -> Groups:
    """List the groups with how many references each has, and the ids of some of them."""
    held = context_of(request).matcher.gallery
    found = []
    for label, count in held.labels.items():
        ids = list(held.ids(label))
        step = max(1, len(ids) // max(1, options.samples))
        found.append(Group(label=label, references=count, samples=ids[::step][: options.samples]))
    return Groups(groups=found)
