"""Everything that goes in and out as JSON, and the options in a query string.

What is written here is what /openapi.json tells: each field with what it means, its unit, its range
and an example.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

MOST_NEIGHBOURS = 100


class Strict(BaseModel):
    """Refuses fields that it does not know: a misspelt one must not pass as its default."""

    model_config = ConfigDict(extra="forbid")


class Error(BaseModel):
    """Every answer that is no answer."""

    code: str = Field(description="What went wrong, for programs.", examples=["invalid"])
    message: str = Field(
        description="The same in one sentence, for people.",
        examples=["`k` must be 1 to 100. Received: 0."],
    )
    hint: str | None = Field(description="What to do, where that is known.", examples=[None])


# ------------------------------------------------------------------ questions

Neighbours = Annotated[
    int,
    Field(
        ge=1,
        le=MOST_NEIGHBOURS,
        description="How many nearest references are looked at and given, 1 to 100; of a smaller "
        "gallery all are.",
        examples=[5],
    ),
]
Point = Annotated[
    str | None,
    Field(
        description="Name of the operating point that decides; without it the gallery's default.",
        examples=["eer"],
    ),
]
Evidence = Annotated[
    bool,
    Field(
        description="Whether rows get a `p_value`, for which the operating point must have been "
        "calibrated with this gallery.",
        examples=[False],
    ),
]


class Rule(Strict):
    """What decides about pictures."""

    k: Neighbours = 5
    threshold: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="Largest distance that is a match, Euclidean, 0 or more; without it that of "
        "the operating point.",
        examples=[0.7565],
    )
    min_margin: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="Least distance, Euclidean, 0 or more, by which the nearest other group must "
        "be farther; what is nearer is `ambiguous`.",
        examples=[0.05],
    )
    group: str | None = Field(
        None, min_length=1, description="Ask about this one group alone.", examples=["7"]
    )
    at: Point = None
    evidence: Evidence = False


class CheckOptions(Rule):
    """How pictures are checked."""

    id: str = Field(
        "image", description="Name of a picture that is the whole body.", examples=["seven.png"]
    )


class QueryOptions(Strict):
    """How nearest references are found."""

    k: Neighbours = 5
    at: Point = None
    evidence: Evidence = False
    id: str = Field(
        "image", description="Name of a picture that is the whole body.", examples=["seven.png"]
    )


# ------------------------------------------------------------------ bodies

Data = Annotated[
    str,
    Field(
        description="A picture file (PNG, JPEG, GIF, BMP, WebP, TIFF, ...) as base64, or as a "
        "data: URI of it.",
        examples=["iVBORw0KGgo="],
    ),
]
Numbers = Annotated[
    list[float],
    Field(
        description="An embedding by the gallery's own model: `dim` finite numbers.",
        examples=[[0.1, -0.2]],
    ),
]


class Image(Strict):
    """One picture with its name."""

    id: str = Field(description="Whatever its row is to be called.", examples=["seven.png"])
    data: Data


class Images(Strict):
    """Pictures as JSON."""

    images: list[Image] = Field(
        description="One or more pictures, as many as `limits.images` of the gallery says.",
        examples=[[{"id": "seven.png", "data": "iVBORw0KGgo="}]],
    )


class Vectors(Strict):
    """Vectors as JSON."""

    vectors: list[Numbers] = Field(
        description="One or more embeddings, `dim` finite numbers each.", examples=[[[0.1, -0.2]]]
    )
    ids: list[str] | None = Field(
        None, description="A name for each; without them 0, 1, ...", examples=[["seven.png"]]
    )


# ------------------------------------------------------------------ answers


class Neighbour(BaseModel):
    """One reference near a picture."""

    rank: int = Field(ge=1, description="1 for the nearest.", examples=[1])
    id: str = Field(description="The reference's id.", examples=["mnist/train/21175"])
    label: str = Field(description="The reference's group.", examples=["7"])
    distance: float = Field(
        ge=0, description="Euclidean distance of the two vectors, 0 or more.", examples=[0.011]
    )


_NEIGHBOUR = {"rank": 1, "id": "mnist/train/21175", "label": "7", "distance": 0.011}
Nearest = Annotated[
    list[Neighbour],
    Field(description="The nearest references, nearest first.", examples=[[_NEIGHBOUR]]),
]
Generation = Annotated[
    int,
    Field(
        ge=0, description="How many changes the gallery had seen when it answered.", examples=[12]
    ),
]
PValue = Annotated[
    float | None,
    Field(
        gt=0,
        le=1,
        description="Share of the calibration's unknowns that come at least as close, above 0 to "
        "1; there only where evidence was asked for.",
        examples=[0.002],
    ),
]
Reason = Annotated[
    str | None,
    Field(
        description="Why the picture cannot be read; there only where it cannot.",
        examples=["truncated picture"],
    ),
]


class CheckRow(BaseModel):
    """The decision about one picture."""

    id: str = Field(description="Of the picture.", examples=["seven.png"])
    decision: Literal["match", "no_match", "ambiguous", "error"] = Field(
        description="What came out; `error` for a picture that cannot be read.",
        examples=["match"],
    )
    label: str | None = Field(
        description="The group of a `match` or an `ambiguous` answer.", examples=["7"]
    )
    distance: float | None = Field(
        ge=0,
        description="Euclidean distance to the nearest reference of that group, or of all where "
        "there is none; 0 or more.",
        examples=[0.011],
    )
    threshold: float | None = Field(
        ge=0,
        description="Largest distance that is a match, equality included; 0 or more.",
        examples=[0.7565],
    )
    p_value: PValue = None
    runner_up_label: str | None = Field(
        description="The nearest other group among the neighbours.", examples=["9"]
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
        description="The operating point that decided; null where a threshold was given.",
        examples=["eer"],
    )


class QueryRow(BaseModel):
    """The nearest references of one picture."""

    id: str = Field(description="Of the picture.", examples=["seven.png"])
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


# ------------------------------------------------------------------ the gallery


class ReferenceName(BaseModel):
    """A reference in a list."""

    id: str = Field(description="Its id, unique in the gallery.", examples=["mnist/train/21175"])
    label: str = Field(description="Its group.", examples=["7"])


class ReferencePage(BaseModel):
    """Some references, in the order in which they were enrolled."""

    references: list[ReferenceName] = Field(
        description="At most `limit` of them.",
        examples=[[{"id": "mnist/train/21175", "label": "7"}]],
    )
    next: str | None = Field(
        description="What to give as `after` for those that follow; null after the last.",
        examples=["21176"],
    )


class ReferenceOptions(Strict):
    """Which references are listed."""

    label: str | None = Field(
        None, min_length=1, description="Those of this group alone.", examples=["7"]
    )
    limit: int = Field(50, ge=1, le=1000, description="How many at most, 1 to 1000.", examples=[50])
    after: str | None = Field(
        None, description="What `next` of the page before was.", examples=["21176"]
    )


class Reference(BaseModel):
    """One reference."""

    id: str = Field(description="Its id.", examples=["mnist/train/21175"])
    label: str = Field(description="Its group.", examples=["7"])
    metadata: dict[str, Any] = Field(
        description="Whatever was enrolled with it.", examples=[{"writer": 17}]
    )
    picture: bool = Field(
        description="Whether its picture is stored: GET /v1/pictures/{id}.", examples=[True]
    )
    vector: Numbers | None = Field(
        None, description="Its embedding, where asked for: `dim` numbers.", examples=[[0.1, -0.2]]
    )


class OneReferenceOptions(Strict):
    """What is told of a reference."""

    vector: bool = Field(False, description="Whether to give its embedding.", examples=[False])


class Group(BaseModel):
    """All references with one label."""

    label: str = Field(description="Of the group.", examples=["7"])
    references: int = Field(ge=1, description="How many it has.", examples=[6265])
    samples: list[str] = Field(
        description="Ids of some of them, spread over the group.", examples=[["mnist/train/21175"]]
    )


class Groups(BaseModel):
    """All groups of the gallery, labels in order."""

    groups: list[Group] = Field(
        description="Labels in order.",
        examples=[[{"label": "7", "references": 6265, "samples": ["mnist/train/21175"]}]],
    )


class GroupOptions(Strict):
    """What is told of groups."""

    samples: int = Field(
        6, ge=0, le=100, description="How many ids of each group to give, 0 to 100.", examples=[6]
    )


Id = Annotated[
    str,
    Field(min_length=1, max_length=1000, description="Its name, unique.", examples=["seven.png"]),
]
Label = Annotated[
    str, Field(min_length=1, max_length=1000, description="Its group.", examples=["7"])
]
Metadata = Annotated[
    dict[str, Any],
    Field(description="Whatever else is to be kept of it, plain JSON.", examples=[{"writer": 17}]),
]


PathId = Annotated[
    str,
    Path(
        min_length=1,
        max_length=1000,
        description="Name of a reference; it may hold slashes.",
        examples=["mnist/train/21175"],
    ),
]


class PutOptions(Strict):
    """The label of a picture that is the whole body."""

    label: Label | None = Field(
        None, description="Group of a picture that is the whole body.", examples=["7"]
    )


class NewReference(Strict):
    """A reference as JSON: a picture or a vector."""

    label: Label
    data: Data | None = Field(
        None, description="A picture as base64, or as a data: URI.", examples=["iVBORw0KGgo="]
    )
    vector: Numbers | None = Field(
        None,
        description="Or its embedding by the gallery's own model: `dim` finite numbers.",
        examples=[[0.1, -0.2]],
    )
    metadata: Metadata = Field({})


class NamedReference(NewReference):
    """A reference as JSON, with its id."""

    id: Id


class NewReferences(Strict):
    """Several references."""

    references: list[NamedReference] = Field(
        description="One or more, as many as `limits.images` of the gallery says.",
        examples=[[{"id": "seven.png", "label": "7", "data": "iVBORw0KGgo="}]],
    )


class Put(BaseModel):
    """What became of a reference."""

    id: str = Field(description="Its id.", examples=["seven.png"])
    label: str = Field(description="Its group.", examples=["7"])
    status: Literal["added", "replaced", "unchanged"] = Field(
        description="Whether the id is new, was there otherwise, or was there just so.",
        examples=["added"],
    )


class Unreadable(BaseModel):
    """A picture that cannot be read."""

    id: str = Field(description="Its name.", examples=["note.txt"])
    reason: str = Field(description="Why.", examples=["not a picture in a format that can be read"])


class Upserted(BaseModel):
    """What became of several references."""

    added: int = Field(ge=0, description="Ids that are new.", examples=[2])
    replaced: int = Field(ge=0, description="Ids that were there otherwise.", examples=[0])
    unchanged: int = Field(ge=0, description="Ids that were there just so.", examples=[1])
    unreadable: list[Unreadable] = Field(
        description="Pictures that cannot be read, and so were not enrolled.",
        examples=[[{"id": "note.txt", "reason": "empty file"}]],
    )


class Ids(Strict):
    """References by name."""

    ids: list[Id] = Field(
        min_length=1, description="Their ids, one or more.", examples=[["seven.png"]]
    )


class Removed(BaseModel):
    """What was removed."""

    removed: int = Field(ge=0, description="How many were there.", examples=[1])


class RemovedSome(Removed):
    """What was removed, and what was not there."""

    missing: list[str] = Field(description="Ids that were not there.", examples=[["eight.png"]])


class CompareOptions(Strict):
    """What decides about a pair."""

    at: Point = None


class Side(Strict):
    """One picture of a pair."""

    data: Data
    id: str | None = Field(
        None, description="Its name; without one `first` or `second`.", examples=["seven.png"]
    )


class Pair(Strict):
    """Two pictures."""

    first: Side = Field(description="A picture.", examples=[{"data": "iVBORw0KGgo="}])
    second: Side = Field(description="Another.", examples=[{"data": "iVBORw0KGgo="}])


class CompareRow(BaseModel):
    """The distance of two pictures."""

    a: str = Field(description="Name of the first.", examples=["seven.png"])
    b: str = Field(description="Name of the second.", examples=["one.png"])
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


class EmbedOptions(Strict):
    """The name of a picture that is the whole body."""

    id: str = Field(
        "image", description="Name of a picture that is the whole body.", examples=["seven.png"]
    )


class Embeddings(BaseModel):
    """Vectors of pictures."""

    ids: list[str] = Field(description="Of the pictures, in order.", examples=[["seven.png"]])
    vectors: list[Numbers | None] = Field(
        description="`dim` numbers for each; null for a picture that cannot be read.",
        examples=[[[0.1, -0.2]]],
    )
    unreadable: list[Unreadable] = Field(
        description="Pictures that cannot be read.",
        examples=[[{"id": "note.txt", "reason": "empty file"}]],
    )
    fingerprint: str = Field(
        description="Of the model; vectors of different models do not compare.",
        examples=["53b164021f39"],
    )


class Distances(BaseModel):
    """How far pairs of references are apart, and what error rates follow at each threshold."""

    edges: list[float] = Field(
        description="Of the bins, Euclidean distances, ascending from 0; one more than bins.",
        examples=[[0.0, 0.5, 1.0]],
    )
    genuine: list[float] = Field(
        description="Share of pairs of one group in each bin, 0 to 1.", examples=[[0.99, 0.01]]
    )
    impostor: list[float] = Field(
        description="Share of pairs of two groups in each bin, 0 to 1.", examples=[[0.01, 0.99]]
    )
    thresholds: list[float] = Field(
        description="Euclidean distances, ascending from 0.", examples=[[0.0, 0.5, 1.0]]
    )
    fmr: list[float] = Field(
        description="Share of pairs of two groups that match at each threshold, 0 to 1.",
        examples=[[0.0, 0.01, 1.0]],
    )
    fnmr: list[float] = Field(
        description="Share of pairs of one group that do not, 0 to 1.",
        examples=[[1.0, 0.01, 0.0]],
    )
    fpir: list[float] | None = Field(
        description="Share of the calibration's unknowns that match, 0 to 1; null where the "
        "default operating point was not calibrated with this gallery.",
        examples=[[0.0, 0.02, 1.0]],
    )
    pairs: int = Field(ge=0, description="Of each kind, at most.", examples=[200000])
    measured_on: str = Field(
        description="What the pairs are, in one sentence.",
        examples=["200000 pairs of each kind, drawn from 60000 references."],
    )
    generation: Generation


class Place(BaseModel):
    """A reference on the map."""

    id: str = Field(description="Its id.", examples=["mnist/train/21175"])
    label: str = Field(description="Its group.", examples=["7"])
    x: float = Field(ge=0, le=1, description="To the right, 0 to 1.", examples=[0.25])
    y: float = Field(ge=0, le=1, description="Upwards, 0 to 1.", examples=[0.75])


class Map(BaseModel):
    """References laid out in the plane: near ones lie together, distances beyond say nothing."""

    points: list[Place] = Field(
        description="A sample of the references, spread over the groups.",
        examples=[[{"id": "mnist/train/21175", "label": "7", "x": 0.25, "y": 0.75}]],
    )
    generation: Generation


class Landed(BaseModel):
    """A picture on the map."""

    id: str = Field(description="Of the picture.", examples=["seven.png"])
    x: float = Field(ge=0, le=1, description="To the right, 0 to 1.", examples=[0.25])
    y: float = Field(ge=0, le=1, description="Upwards, 0 to 1.", examples=[0.75])


class Positions(BaseModel):
    """Where pictures land on the map."""

    positions: list[Landed] = Field(
        description="Of those that can be read, in order.",
        examples=[[{"id": "seven.png", "x": 0.25, "y": 0.75}]],
    )


class Model(BaseModel):
    """The embedder that made the gallery's vectors."""

    fingerprint: str = Field(
        description="Names the model; vectors of another do not fit.", examples=["5f0c3a9be871"]
    )
    input_shape: list[int] = Field(
        description="Height, width and, if in colour, channels that the network takes, in pixels.",
        examples=[[28, 28]],
    )
    dim: int = Field(ge=1, description="Length of a vector.", examples=[64])
    preprocessing: str = Field(
        description="How a picture of any size reaches that shape.", examples=["digit"]
    )
    recipe: dict[str, Any] | None = Field(
        description="How it was trained.", examples=[{"name": "default"}]
    )
    figures: dict[str, Any] = Field(
        description="What was measured of it, by data set.", examples=[{"test": {"eer": 0.0026}}]
    )


class Limits(BaseModel):
    """What one request may hold."""

    bytes: int = Field(ge=1, description="Largest body, in bytes.", examples=[67108864])
    pixels: int = Field(
        ge=1, description="Largest picture, width times height.", examples=[40000000]
    )
    images: int = Field(ge=1, description="Most pictures or vectors.", examples=[2000])


class GalleryInfo(BaseModel):
    """What the gallery is."""

    references: int = Field(ge=0, description="How many references it holds.", examples=[60000])
    groups: int = Field(ge=0, description="How many groups they form.", examples=[10])
    generation: Generation
    operating_points: dict[str, dict[str, Any]] = Field(
        description="Named thresholds, each with what was measured of it.",
        examples=[{"eer": {"threshold": 0.7565}}],
    )
    default_point: str | None = Field(
        description="The one that decides where none is named.", examples=["default"]
    )
    pair_point: str | None = Field(
        description="The one that judges a pair where none is named.", examples=["eer"]
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
        description="What makes its vectors.",
        examples=[
            {
                **{"fingerprint": "5f0c3a9be871", "input_shape": [28, 28], "dim": 64},
                **{"preprocessing": "digit", "recipe": None, "figures": {}},
            }
        ],
    )
    limits: Limits = Field(
        description="How much this server takes at a time.",
        examples=[{"bytes": 67108864, "pixels": 40000000, "images": 2000}],
    )


class Status(BaseModel):
    """Whether the server lives."""

    status: Literal["ok"] = Field(description="Always ok.", examples=["ok"])


# ------------------------------------------------------------------ jobs


class JobOptions(Rule):
    """How the pictures of a large upload are checked."""

    name: str = Field(
        "upload",
        min_length=1,
        max_length=200,
        description="What to call the upload; the ids of a CSV's rows begin with it.",
        examples=["digits.csv"],
    )


class JobInfo(BaseModel):
    """One job, and how far it is."""

    id: str = Field(
        description="Names it; later jobs have greater ids.",
        examples=["0650b8d2f1a3c4-5e6f7a8b"],
    )
    state: Literal["waiting", "running", "done", "failed"] = Field(
        description="`waiting` for those before it, `running`, `done` once the result is there, or "
        "`failed`. A removed job is gone.",
        examples=["running"],
    )
    created: str = Field(
        description="When it was accepted, UTC, ISO 8601.", examples=["2026-11-24T22:10:31+00:00"]
    )
    name: str = Field(description="What the client calls the upload.", examples=["scans.zip"])
    done: int = Field(ge=0, description="Rows so far, one for each picture.", examples=[2048])
    total: int | None = Field(
        ge=0, description="Pictures in it, null where that is not known.", examples=[10000]
    )
    decisions: dict[str, int] = Field(
        description="How often each decision came out so far.",
        examples=[{"match": 2040, "no_match": 8}],
    )
    error: Error | None = Field(description="Why it failed.", examples=[None])


class JobList(BaseModel):
    """All jobs that are kept, of all keys."""

    jobs: list[JobInfo] = Field(
        description="The latest first.",
        examples=[
            [
                {
                    **{"id": "0650b8d2f1a3c4-5e6f7a8b", "state": "done", "name": "scans.zip"},
                    **{"created": "2026-11-24T22:10:31+00:00", "done": 1, "total": 1},
                    **{"decisions": {"match": 1}, "error": None},
                }
            ]
        ],
    )


class ResultOptions(Strict):
    """How the result is written."""

    format: Literal["jsonl", "csv", "parquet"] = Field(
        "jsonl",
        description="JSON lines, CSV or Parquet, each as `likewise check -o` writes it.",
        examples=["csv"],
    )
