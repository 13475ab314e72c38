"""References: listing, reading, enrolling, removing."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from likewise.server.schemas.answers import Unreadable
from likewise.server.schemas.fields import (
    BoxNumbers,
    BoxText,
    Data,
    GroupName,
    Id,
    Label,
    Metadata,
    Numbers,
    StoredId,
    Strict,
    Unlabelled,
    Whole,
)


class ReferenceName(BaseModel):
    """A reference in a list."""

    id: str = Field(description="Its id, unique in the gallery.", examples=["mnist/train/21175"])
    label: GroupName


class ReferencePage(BaseModel):
    """A page of references, in the order of enrolment."""

    references: list[ReferenceName] = Field(
        description="At most `limit` references.",
        examples=[[{"id": "mnist/train/21175", "label": "7"}]],
    )
    next: str | None = Field(
        description="Value of `after` for the next page; null after the last.",
        examples=["21176"],
    )


class ReferenceOptions(Strict):
    """Which references are listed."""

    label: str | None = Field(
        None, min_length=1, description="Only references of this group.", examples=["7"]
    )
    unlabelled: bool = Field(
        False, description="Only references without a group.", examples=[False]
    )
    limit: Whole = Field(
        50, ge=1, le=1000, description="Maximum number of references, 1 to 1000.", examples=[50]
    )
    after: str | None = Field(None, description="`next` of the previous page.", examples=["21176"])


class Reference(BaseModel):
    """One reference."""

    id: str = Field(description="Its id.", examples=["mnist/train/21175"])
    label: GroupName
    metadata: dict[str, Any] = Field(
        description="JSON object that was enrolled with it.", examples=[{"writer": 17}]
    )
    picture: bool = Field(
        description="Whether its picture is stored: GET /v1/pictures/{id}.", examples=[True]
    )
    vector: Numbers | None = Field(
        None, description="Its embedding, if requested: `dim` numbers.", examples=[[0.1, -0.2]]
    )


class OneReferenceOptions(Strict):
    """Options of reading a reference."""

    vector: bool = Field(False, description="Whether to return its embedding.", examples=[False])


class PutOptions(Strict):
    """The label of a picture that is the whole body."""

    label: Label | None = Field(
        None, description="Group of a picture that is the whole body.", examples=["7"]
    )
    unlabelled: Unlabelled = False
    box: BoxText = None


class UpsertOptions(Strict):
    """What happens to references whose ids are already used."""

    on_conflict: Literal["error", "replace", "skip", "rename"] = Field(
        "error",
        description="What happens if an id already stands for another picture or label: the "
        "request is refused, the last or the first is kept, or `source` is put before the id.",
        examples=["skip"],
    )
    source: str = Field(
        "upload",
        min_length=1,
        max_length=200,
        description="Where the pictures come from, for `rename`.",
        examples=["tuesday"],
    )
    unlabelled: Unlabelled = False


class NewReference(Strict):
    """A reference as JSON: a picture or a vector."""

    label: Label | None = Field(
        description="Its group; null for a reference without one, which `check` passes over.",
        examples=["7"],
    )
    data: Data | None = Field(
        None, description="A picture as base64, or as a data: URI.", examples=["iVBORw0KGgo="]
    )
    vector: Numbers | None = Field(
        None,
        description="Or its embedding by the gallery's own model: `dim` finite numbers.",
        examples=[[0.1, -0.2]],
    )
    metadata: Metadata = Field({})
    box: BoxNumbers = None


class NamedReference(NewReference):
    """A reference as JSON, with its id."""

    id: Id


class NewReferences(Strict):
    """Several references."""

    references: list[NamedReference] = Field(
        fail_fast=True,
        description="One or more references, at most `limits.images` of the gallery.",
        examples=[[{"id": "seven.png", "label": "7", "data": "iVBORw0KGgo="}]],
    )


class Put(BaseModel):
    """Outcome of enrolling a reference."""

    id: str = Field(description="Its id.", examples=["seven.png"])
    label: GroupName
    status: Literal["added", "replaced", "unchanged", "skipped", "renamed"] = Field(
        description="Whether the id was new, stood for another picture or label, or for the same.",
        examples=["added"],
    )


class Upserted(BaseModel):
    """Outcome of enrolling several references."""

    added: int = Field(ge=0, description="Number of new ids.", examples=[2])
    replaced: int = Field(
        ge=0, description="Number of ids whose picture or label changed.", examples=[0]
    )
    unchanged: int = Field(
        ge=0, description="Number of ids that were already stored identically.", examples=[1]
    )
    skipped: int = Field(
        ge=0, description="Number of used ids that were kept unchanged.", examples=[0]
    )
    renamed: int = Field(
        ge=0, description="Number of ids with `source` put before them.", examples=[0]
    )
    unreadable: list[Unreadable] = Field(
        description="Pictures that cannot be read and were not enrolled.",
        examples=[[{"id": "note.txt", "reason": "empty file"}]],
    )


class Ids(Strict):
    """References by name."""

    ids: list[StoredId] = Field(
        fail_fast=True,
        min_length=1,
        description="Ids of the references, one or more.",
        examples=[["seven.png"]],
    )


class Removed(BaseModel):
    """Outcome of a removal."""

    removed: int = Field(ge=0, description="Number of removed references.", examples=[1])


class RemovedSome(Removed):
    """Outcome of a removal: the number removed, and unknown ids."""

    missing: list[str] = Field(description="Ids that do not exist.", examples=[["eight.png"]])
