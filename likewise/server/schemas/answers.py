"""Answers about pictures, and errors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from likewise.server.schemas.fields import Generation, GroupName, Numbers, PictureName


class Error(BaseModel):
    """An error response."""

    code: str = Field(description="Kind of the error, for programs.", examples=["invalid"])
    message: str = Field(
        description="What is wrong, in one sentence, for people.",
        examples=["`k` must be 1 to 100. Received: 0."],
    )
    hint: str | None = Field(
        description="What to do; null only in jobs of earlier versions.",
        examples=["GET /openapi.json describes what each path takes."],
    )


_NEIGHBOUR = {"rank": 1, "id": "mnist/train/21175", "label": "7", "distance": 0.011}


class Neighbour(BaseModel):
    """One reference near a picture."""

    rank: int = Field(ge=1, description="1 for the nearest.", examples=[1])
    id: str = Field(description="The reference's id.", examples=["mnist/train/21175"])
    label: GroupName
    distance: float = Field(
        ge=0, description="Euclidean distance of the two vectors, 0 or more.", examples=[0.011]
    )


Nearest = Annotated[
    list[Neighbour],
    Field(description="The nearest references, nearest first.", examples=[[_NEIGHBOUR]]),
]
PValue = Annotated[
    float | None,
    Field(
        gt=0,
        le=1,
        description="Share of the calibration's unknowns that are at least as close, above 0 to "
        "1; present only if evidence was requested.",
        examples=[0.002],
    ),
]
Reason = Annotated[
    str | None,
    Field(
        description="Why the picture cannot be read, or that it is nearly one grey value, so that "
        "its answer is unreliable; present only in these cases.",
        examples=["truncated picture"],
    ),
]


class CheckRow(BaseModel):
    """The decision about one picture."""

    id: PictureName
    decision: Literal["match", "no_match", "ambiguous", "error"] = Field(
        description="The decision; `error` for a picture that cannot be read.",
        examples=["match"],
    )
    label: str | None = Field(
        description="The group of a `match` or an `ambiguous` answer.", examples=["7"]
    )
    distance: float | None = Field(
        ge=0,
        description="Euclidean distance to the nearest reference of that group, or of all groups "
        "without a label; 0 or more.",
        examples=[0.011],
    )
    threshold: float | None = Field(
        ge=0,
        description="Largest distance that is a match, equality included; 0 or more.",
        examples=[0.7565],
    )
    p_value: PValue = None
    runner_up_label: str | None = Field(
        description="The nearest other group among the neighbours. Where all are of one group: "
        "the nearest of all others, if it is within the least margin asked for; else null.",
        examples=["9"],
    )
    runner_up_distance: float | None = Field(
        ge=0, description="Euclidean distance to it, 0 or more.", examples=[0.6012]
    )
    neighbours: Nearest
    reason: Reason = None


class CheckAnswer(BaseModel):
    """One row for each picture, in order."""

    rows: list[CheckRow] = Field(
        description="One for each picture, in order.",
        examples=[
            [
                {
                    **{"id": "seven.png", "decision": "match", "label": "7", "distance": 0.011},
                    **{"threshold": 0.7565, "runner_up_label": None, "runner_up_distance": None},
                    "neighbours": [_NEIGHBOUR],
                }
            ]
        ],
    )
    generation: Generation
    point: str | None = Field(
        description="The operating point that decided; null if the request had a threshold.",
        examples=["eer"],
    )


class QueryRow(BaseModel):
    """The nearest references of one picture."""

    id: PictureName
    p_value: PValue = None
    neighbours: Nearest
    reason: Reason = None


class QueryAnswer(BaseModel):
    """One row for each picture, in order."""

    rows: list[QueryRow] = Field(
        description="One for each picture, in order.",
        examples=[[{"id": "seven.png", "neighbours": [_NEIGHBOUR]}]],
    )
    generation: Generation


class Unreadable(BaseModel):
    """A picture that cannot be read."""

    id: str = Field(description="Id of the picture.", examples=["note.txt"])
    reason: str = Field(
        description="Why it cannot be read.",
        examples=["not a picture in a format that can be read"],
    )


class Embeddings(BaseModel):
    """Vectors of pictures."""

    ids: list[str] = Field(description="Ids of the pictures, in order.", examples=[["seven.png"]])
    vectors: list[Numbers | None] = Field(
        description="A vector of `dim` numbers for each picture; null if it cannot be read.",
        examples=[[[0.1, -0.2]]],
    )
    unreadable: list[Unreadable] = Field(
        description="Pictures that cannot be read.",
        examples=[[{"id": "note.txt", "reason": "empty file"}]],
    )
    fingerprint: str = Field(
        description="Fingerprint of the model; vectors of different models are not comparable.",
        examples=["53b164021f39"],
    )


class CompareRow(BaseModel):
    """The distance of two pictures."""

    a: str = Field(description="Name of the first picture.", examples=["seven.png"])
    b: str = Field(description="Name of the second picture.", examples=["one.png"])
    distance: float = Field(
        ge=0, description="Euclidean distance of their vectors, 0 or more.", examples=[1.2034]
    )
    threshold: float = Field(
        ge=0,
        description="Largest distance that is a match, equality included; 0 or more.",
        examples=[0.7565],
    )
    decision: Literal["match", "no_match"] = Field(
        description="Whether it is a match.", examples=["no_match"]
    )
    reason: Reason = None
