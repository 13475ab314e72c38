"""The gallery as a whole: its groups, its model, its distances and its map."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from likewise.server.schemas.fields import Generation, GroupName, PictureName, Strict, Whole


class Group(BaseModel):
    """All references with one label."""

    label: str = Field(description="Label of the group.", examples=["7"])
    references: int = Field(ge=1, description="How many references it has.", examples=[6265])
    samples: list[str] = Field(
        description="Ids of a sample, spread over the group.", examples=[["mnist/train/21175"]]
    )


class Groups(BaseModel):
    """One page of the gallery's groups, ordered by label."""

    groups: list[Group] = Field(
        description="The groups, ordered by label.",
        examples=[[{"label": "7", "references": 6265, "samples": ["mnist/train/21175"]}]],
    )
    next: str | None = Field(
        None,
        description="Present if more groups follow: the `after` of the next page.",
        examples=["7"],
    )


class GroupOptions(Strict):
    """Options of the list of groups."""

    samples: Whole = Field(
        6,
        ge=0,
        le=100,
        description="How many ids to return for each group, 0 to 100.",
        examples=[6],
    )
    limit: Whole = Field(
        1000, ge=1, le=1000, description="Maximum number of groups, 1 to 1000.", examples=[1000]
    )
    after: str | None = Field(
        None, min_length=1, description="`next` of the previous page.", examples=["7"]
    )


class Model(BaseModel):
    """The embedder that made the gallery's vectors."""

    fingerprint: str = Field(
        description="Identifies the model; vectors of other models do not fit.",
        examples=["5f0c3a9be871"],
    )
    input_shape: list[int] = Field(
        description="Height, width and, if in colour, channels that the network takes, in pixels.",
        examples=[[28, 28]],
    )
    dim: int = Field(ge=1, description="Length of a vector.", examples=[64])
    preprocessing: str = Field(
        description="How a picture of any size is fitted to that shape.", examples=["digit2"]
    )
    recipe: dict[str, Any] | None = Field(
        description="How it was trained.", examples=[{"name": "default"}]
    )
    figures: dict[str, Any] = Field(
        description="Measured figures, by data set.", examples=[{"test": {"eer": 0.0026}}]
    )


class RequestLimits(BaseModel):
    """Limits of a request."""

    bytes: int = Field(ge=1, description="Largest body, in bytes.", examples=[67108864])
    pixels: int = Field(
        ge=1, description="Largest picture, width times height.", examples=[40000000]
    )
    images: int = Field(ge=1, description="Largest number of pictures or vectors.", examples=[2000])


class GalleryInfo(BaseModel):
    """The gallery and its limits."""

    references: int = Field(ge=0, description="How many references it holds.", examples=[60000])
    groups: int = Field(ge=0, description="How many groups they form.", examples=[10])
    unlabelled: int = Field(ge=0, description="How many references have no group.", examples=[0])
    generation: Generation
    operating_points: dict[str, dict[str, Any]] = Field(
        description="Named thresholds, each with its measured rates.",
        examples=[{"eer": {"threshold": 0.7565}}],
    )
    default_point: str | None = Field(
        description="The operating point that decides unless another is named.",
        examples=["default"],
    )
    pair_point: str | None = Field(
        description="The operating point that judges pairs unless another is named.",
        examples=["eer"],
    )
    outdated: dict[str, str] = Field(
        description="By operating point: a warning that the gallery has changed since it was "
        "calibrated.",
        examples=[{}],
    )
    writable: bool = Field(description="Whether this request's key may change it.", examples=[True])
    read_only: bool = Field(
        description="Whether the server refuses every change.", examples=[False]
    )
    model: Model = Field(
        description="The embedder that makes the vectors.",
        examples=[
            {
                **{"fingerprint": "5f0c3a9be871", "input_shape": [28, 28], "dim": 64},
                **{"preprocessing": "digit2", "recipe": None, "figures": {}},
            }
        ],
    )
    limits: RequestLimits = Field(
        description="Limits of this server for a request.",
        examples=[{"bytes": 67108864, "pixels": 40000000, "images": 2000}],
    )


class Distances(BaseModel):
    """Distances of pairs of references, and error rates at each threshold."""

    edges: list[float] = Field(
        description="Edges of the bins, Euclidean distances, ascending from 0; one more than bins.",
        examples=[[0.0, 0.5, 1.0]],
    )
    genuine: list[float] = Field(
        description="Share of pairs of one group in each bin, 0 to 1.", examples=[[0.99, 0.01]]
    )
    impostor: list[float] = Field(
        description="Share of pairs of two groups in each bin, 0 to 1.", examples=[[0.01, 0.99]]
    )
    thresholds: list[float] = Field(
        description="Thresholds, Euclidean distances, ascending from 0.", examples=[[0.0, 0.5, 1.0]]
    )
    fmr: list[float] = Field(
        description="Share of pairs of two groups that match at each threshold, 0 to 1.",
        examples=[[0.0, 0.01, 1.0]],
    )
    fnmr: list[float] = Field(
        description="Share of pairs of one group that do not match at each threshold, 0 to 1.",
        examples=[[1.0, 0.01, 0.0]],
    )
    fpir: list[float] | None = Field(
        description="Share of the calibration's unknowns that match, 0 to 1; null unless the "
        "default operating point was calibrated with this gallery.",
        examples=[[0.0, 0.02, 1.0]],
    )
    pairs: int = Field(ge=0, description="Maximum number of pairs of each kind.", examples=[200000])
    measured_on: str = Field(
        description="What the pairs are, in one sentence.",
        examples=["200000 pairs of each kind, drawn from 60000 references."],
    )
    generation: Generation


Right = Annotated[
    float, Field(ge=0, le=1, description="Horizontal position, 0 to 1.", examples=[0.25])
]
Up = Annotated[
    float, Field(ge=0, le=1, description="Vertical position, upwards, 0 to 1.", examples=[0.75])
]


class Place(BaseModel):
    """A reference on the map."""

    id: str = Field(description="Its id.", examples=["mnist/train/21175"])
    label: GroupName
    x: Right
    y: Up


class Map(BaseModel):
    """A map of references: near ones are similar; larger distances mean nothing."""

    points: list[Place] = Field(
        description="A sample of the references, spread over the groups.",
        examples=[[{"id": "mnist/train/21175", "label": "7", "x": 0.25, "y": 0.75}]],
    )
    generation: Generation


class Landed(BaseModel):
    """A picture on the map."""

    id: PictureName
    x: Right
    y: Up


class Positions(BaseModel):
    """Positions of pictures on the map."""

    positions: list[Landed] = Field(
        description="Positions of the pictures that can be read, in order.",
        examples=[[{"id": "seven.png", "x": 0.25, "y": 0.75}]],
    )


class Status(BaseModel):
    """State of the server."""

    status: Literal["ok"] = Field(description="Always ok.", examples=["ok"])
