"""One labelled picture of a data set, not yet decoded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from embedder.data.images import read_image
from embedder.errors import ImageError


class Encoded(Protocol):
    """A picture's file that is no file on the disk, such as a member of an archive."""

    def read_bytes(self) -> bytes:
        """Give the file's bytes.

        Raises:
            ImageError: If they cannot be had.
        """


@dataclass(frozen=True, slots=True)
class Record:
    """One picture with its id and label.

    Attributes:
        id: Stable name that says where the picture came from: `mnist/train/00017`,
            a path relative to the folder that was given, `digits.csv/12`; see `as_text`.
        label: The group it belongs to, None when the source says nothing about it; see `as_text`.
        image: uint8 pixels, `(h, w)` grey or `(h, w, 3)` RGB; the path of a picture file, or
            whatever else gives a picture file's bytes; or why there is no picture.
        metadata: Further columns of a list, `{}` when there are none.

    Example:
        >>> import numpy as np
        >>> Record("blank/0", "none", np.zeros((28, 28), np.uint8)).pixels().shape
        (28, 28)
    """

    id: str
    label: str | None
    image: np.ndarray | Path | Encoded | ImageError
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.id.isascii():
            object.__setattr__(self, "id", as_text(self.id))
        if self.label is not None and not self.label.isascii():
            object.__setattr__(self, "label", as_text(self.label))

    def pixels(self) -> np.ndarray:
        """Give the picture as uint8 `(h, w)` or `(h, w, 3)`, decoding it when it is a file.

        Raises:
            ImageError: If the file cannot be read as a picture, or there is none.
        """
        if isinstance(self.image, np.ndarray):
            return self.image
        if isinstance(self.image, ImageError):
            raise self.image
        return read_image(self.image if isinstance(self.image, Path) else self.image.read_bytes())


def as_text(name: str) -> str:
    r"""Spell out the bytes of a file name that are no UTF-8, so that it can be written anywhere.

    Example:
        >>> import os
        >>> as_text(os.fsdecode(b"caf\xe9.png"))
        'caf\\xe9.png'
    """
    try:
        raw = name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a character, as JSON can name it
        raw = name.encode("utf-8", "backslashreplace")
    return raw.decode("utf-8", "backslashreplace")


def as_label(value: object) -> str | None:
    """Make a value of a list or an array a label; an empty text and NaN are none.

    Example:
        >>> as_label("cat"), as_label(7), as_label(7.0), as_label(""), as_label(float("nan"))
        ('cat', '7', '7', None, None)
    """
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value in (None, "") else str(value)


def from_arrays(
    prefix: str, images: np.ndarray, labels: Sequence[str | None] | None, first: int = 0
) -> Iterator[Record]:
    """Stream the rows of an array as records `prefix/00000`, `prefix/00001`, and so on.

    Args:
        prefix: What stands before the number in every id.
        images: uint8 `(n, h, w)` or `(n, h, w, 3)`; records hold views into it.
        labels: n labels, None for a picture without; or None when no picture has one.
        first: The number of the first row.

    Example:
        >>> import numpy as np
        >>> [r.id for r in from_arrays("set", np.zeros((2, 8, 8), np.uint8), None, first=7)]
        ['set/00007', 'set/00008']
    """
    known = labels if labels is not None else [None] * len(images)
    for row, (image, label) in enumerate(zip(images, known, strict=True), start=first):
        yield Record(f"{prefix}/{row:05d}", label, image)
