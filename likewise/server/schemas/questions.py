"""Questions about pictures: options and JSON bodies."""

from __future__ import annotations

from pydantic import Field

from likewise.server.schemas.fields import (
    BodyName,
    BoxNumbers,
    BoxText,
    Data,
    Distance,
    Evidence,
    Neighbours,
    Numbers,
    Point,
    Strict,
)


class CheckParameters(Strict):
    """Query parameters of a check: the fields of `index.decision.CheckOptions`."""

    k: Neighbours = 5
    threshold: Distance | None = Field(
        None,
        description="Largest distance that is a match, Euclidean, 0 or more; by default that of "
        "the operating point.",
        examples=[0.7565],
    )
    min_margin: Distance | None = Field(
        None,
        description="Distance, Euclidean, 0 or more, by which the nearest other group must be "
        "farther away; otherwise the answer is `ambiguous`.",
        examples=[0.05],
    )
    group: str | None = Field(
        None, min_length=1, description="Ask only about this group.", examples=["7"]
    )
    at: Point = None
    evidence: Evidence = False


class NamedCheckParameters(CheckParameters):
    """Query parameters of a check, and the id of a picture that is the whole body."""

    id: BodyName = "image"
    box: BoxText = None


class QueryOptions(Strict):
    """Options of a query."""

    k: Neighbours = 5
    at: Point = None
    evidence: Evidence = False
    id: BodyName = "image"
    box: BoxText = None


class EmbedOptions(Strict):
    """The id of a picture that is the whole body."""

    id: BodyName = "image"
    box: BoxText = None


class CompareOptions(Strict):
    """Options of a comparison."""

    at: Point = None


class Image(Strict):
    """One picture with its name."""

    id: str = Field(description="Id of its row.", examples=["seven.png"])
    data: Data
    box: BoxNumbers = None


class Images(Strict):
    """Pictures as JSON."""

    images: list[Image] = Field(
        fail_fast=True,
        description="One or more pictures, at most `limits.images` of the gallery.",
        examples=[[{"id": "seven.png", "data": "iVBORw0KGgo="}]],
    )


class Vectors(Strict):
    """Vectors as JSON."""

    vectors: list[Numbers] = Field(
        fail_fast=True,
        description="One or more embeddings, `dim` finite numbers each.",
        examples=[[[0.1, -0.2]]],
    )
    ids: list[str] | None = Field(
        None,
        fail_fast=True,
        description="An id for each vector; by default 0, 1, ...",
        examples=[["seven.png"]],
    )


class Side(Strict):
    """One picture of a pair."""

    data: Data
    id: str | None = Field(
        None,
        description="Name of the picture; by default `first` or `second`.",
        examples=["seven.png"],
    )
    box: BoxNumbers = None


class Pair(Strict):
    """Two pictures."""

    first: Side = Field(description="The first picture.", examples=[{"data": "iVBORw0KGgo="}])
    second: Side = Field(description="The second picture.", examples=[{"data": "iVBORw0KGgo="}])
