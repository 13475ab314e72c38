"""An input in consecutive parts that can travel to other machines.

A picture in a file of its own goes by its path, so it is read where it is decoded. Rows of arrays
and members of archives go as they are: only this machine has to read what they come from.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from embedder.data.cloud import CloudPicture
from embedder.data.records import EncodedBytes, Record
from embedder.errors import ImageError

MOST_BYTES = 16 << 20  # of pictures that travel together

_Sent = tuple[Record, int]  # the bytes of a picture that travels with its record


def divided(
    records: Iterable[Record], size: int, most_bytes: int = MOST_BYTES
) -> Iterator[list[Record]]:
    """Divide records into consecutive parts, without reading further ahead than one.

    Args:
        records: Any number.
        size: Records of a part, 1 or more; the last one may be shorter.
        most_bytes: A part ends early once the pictures that travel with it are as large.

    Example:
        >>> ten = (Record(f"{place}.png", None, Path(f"{place}.png")) for place in range(10))
        >>> [len(part) for part in divided(ten, 4)]
        [4, 4, 2]
    """
    part: list[Record] = []
    weight = 0
    for record, bytes_of_picture in map(_portable, records):
        part.append(record)
        weight += bytes_of_picture
        if len(part) >= size or weight >= most_bytes:
            yield part
            part, weight = [], 0
    if part:
        yield part


def _portable(record: Record) -> _Sent:
    """The record as another machine can read it."""
    image = record.image
    if isinstance(image, np.ndarray):
        return record, image.nbytes
    if isinstance(image, CloudPicture | ImageError):
        return record, 0
    if isinstance(image, Path):
        return replace(record, image=Path(os.path.abspath(image))), 0
    try:
        content = image.read_bytes()
    except ImageError as error:
        return replace(record, image=error.bare()), 0
    return replace(record, image=EncodedBytes(content)), len(content)
