"""Fields shared by several schemas."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

_WHOLE = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|-?(nan|inf(inity)?)", re.I)
MOST_NEIGHBOURS = 100


class Strict(BaseModel):
    """Refuses unknown fields, so that a misspelt one is not ignored."""

    model_config = ConfigDict(extra="forbid")


def _whole(value: object) -> object:
    """Refuse texts that Python reads as whole numbers too, such as `1_0`, `+5` and ` 5`."""
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise PydanticCustomError("int_parsing", "not a whole number")
    return value


def _number(value: object) -> object:
    """Refuse such texts of other numbers; those that are not finite are refused by name."""
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise PydanticCustomError("float_parsing", "not a number")
    return value


Whole = Annotated[int, BeforeValidator(_whole)]  # of a query string
Distance = Annotated[  # likewise
    float, Field(ge=0, allow_inf_nan=False), BeforeValidator(_number)
]
Neighbours = Annotated[
    int,
    Field(
        ge=1,
        le=MOST_NEIGHBOURS,
        description="How many nearest references are searched and returned, 1 to 100; fewer if the "
        "gallery is smaller.",
        examples=[5],
    ),
    BeforeValidator(_whole),
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
Data = Annotated[
    str,
    Field(
        description="A picture file (PNG, JPEG, GIF, BMP, WebP, TIFF, ...) as base64, or as a "
        "data: URI of it.",
        examples=["iVBORw0KGgo="],
    ),
]
Number = Annotated[float, Field(strict=True)]  # neither "1" nor true
BoxNumbers = Annotated[
    tuple[Number, Number, Number, Number] | None,
    Field(
        description="The part of the picture to use: x, y, w and h in pixels, from the top "
        "left of the picture as it is shown. Without it the whole picture.",
        examples=[[120, 64, 80, 80]],
    ),
]
BoxText = Annotated[
    str | None,
    Field(
        description="The part of a picture that is the whole body: x,y,w,h in pixels, from the top "
        "left of the picture as it is shown.",
        examples=["120,64,80,80"],
    ),
]
Numbers = Annotated[
    list[Number],
    Field(
        fail_fast=True,
        description="An embedding by the gallery's own model: `dim` finite numbers.",
        examples=[[0.1, -0.2]],
    ),
]
Generation = Annotated[
    int,
    Field(
        ge=0, description="How many changes the gallery had had when it answered.", examples=[12]
    ),
]
Id = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1000,
        description="Id of the reference, unique.",
        examples=["seven.png"],
    ),
]
Label = Annotated[
    str, Field(min_length=1, max_length=1000, description="Its group.", examples=["7"])
]
Unlabelled = Annotated[
    bool,
    Field(
        description="Whether the pictures of an image or a form have no group: `query` finds them, "
        "`check` passes them over.",
        examples=[False],
    ),
]
Metadata = Annotated[
    dict[str, Any],
    Field(description="Further data to store with it, as JSON.", examples=[{"writer": 17}]),
]
StoredId = Annotated[  # renaming, and files on a disk, make longer ones than requests may bring
    str, Field(min_length=1, description="Id of a reference.", examples=["seven.png"])
]
PathId = Annotated[
    str,
    Path(
        min_length=1,
        description="Name of a reference; it may hold slashes.",
        examples=["mnist/train/21175"],
    ),
]
NewPathId = Annotated[
    str,
    Path(
        min_length=1,
        max_length=1000,
        description="Name of a reference; it may hold slashes.",
        examples=["mnist/train/21175"],
    ),
]
BodyName = Annotated[
    str, Field(description="Name of a picture that is the whole body.", examples=["seven.png"])
]
PictureName = Annotated[str, Field(description="Id of the picture.", examples=["seven.png"])]
GroupName = Annotated[
    str | None, Field(description="Its group; null for a reference without one.", examples=["7"])
]
