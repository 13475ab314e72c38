"""Pictures as callers have them: paths, arrays, Pillow images and records, mixed in one list.

Does not label (`labelling`), and reads no file before its turn (`decoding`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import numpy as np
import numpy.typing as npt

from embedder.data.bundled import is_bundled
from embedder.data.cloud import picture_at
from embedder.data.records import Record
from embedder.data.sources import records as read_records
from embedder.errors import ImageError
from embedder.model import Embedder
from likewise.arrays import Images, Pixels
from likewise.decoding import decode_stream
from likewise.embedding import Embedded, embedded
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from PIL import Image

Picture: TypeAlias = "str | os.PathLike[str] | npt.NDArray[Any] | Image.Image | Record"
Pictures: TypeAlias = "Picture | Iterable[Picture]"

_KINDS = "a path, a uint8 array, a Pillow image or a Record"
_CHANNELS = (1, 3, 4)  # sizes of a last axis that is more likely colours than a width
_CHUNK, _SECONDS = 2048, 60.0


class PicturesError(LikewiseError, TypeError):
    """Something else was passed as pictures, or an array that could be one picture or many."""


@dataclass(frozen=True, slots=True, eq=False)
class QueryPictures:
    """The n pictures of a question, in order.

    Attributes:
        arrays: The pictures, where all of them came as arrays; else None.
        records: The pictures, where not all of them came as arrays; else None.
        places: Place of each among the pictures that these are a part of; None for all of them.
    """

    arrays: Images | None
    records: list[Record] | None
    places: range | None = None

    @classmethod
    def of(cls, pictures: Pictures) -> QueryPictures:
        """Take pictures in any form.

        Args:
            pictures: A sequence or stream of paths, uint8 arrays `(h, w)` or `(h, w, 3)`, Pillow
                images and records; an array `(n, h, w)` or `(n, h, w, 3)`; or one picture.

        Raises:
            PicturesError: If something else was passed, or an array that could be one or many.

        Example:
            >>> QueryPictures.of([np.zeros((28, 28), np.uint8), "seven.png"]).ids()
            ['0', 'seven.png']
        """
        arrays = as_arrays(pictures)
        return cls(arrays, None) if arrays is not None else cls(None, as_records(pictures))

    def __len__(self) -> int:
        return len(self.records if self.arrays is None else self.arrays)  # type: ignore[arg-type]

    def __getitem__(self, part: slice) -> QueryPictures:
        if self.records is not None:
            return QueryPictures(None, self.records[part])
        return QueryPictures(self.arrays[part], None, self._places[part])  # type: ignore[index]

    def ids(self) -> list[str]:
        """Paths, ids of records, and for all else the place in the list, from 0."""
        if self.records is not None:
            return [record.id for record in self.records]
        return list(map(str, self._places))

    @property
    def _places(self) -> range:
        return range(len(self)) if self.places is None else self.places

    def picture(self, place: int) -> Pixels | None:
        """One picture, `(h, w)` or `(h, w, 3)`, uint8; None if it cannot be read."""
        if self.arrays is not None:
            return self.arrays[place]
        try:
            return self.records[place].pixels()  # type: ignore[index]
        except ImageError:
            return None

    def embedded(self, embedder: Embedder) -> Embedded:
        """Embed the pictures; those that come in files are decoded in threads that run ahead."""
        if self.arrays is not None:
            return embedded(embedder, embedder.prepare(self.arrays))
        vectors = [np.empty((0, embedder.dim), np.float32)]
        reasons, remarks, start = dict[int, str](), dict[int, str](), 0
        for part in decode_stream(self.records or [], embedder, size=_CHUNK, seconds=_SECONDS):
            chunk, found = part.embedded(embedder)
            vectors.append(found)
            reasons |= {start + place: reason for place, reason in chunk.reasons.items()}
            remarks |= {start + place: remark for place, remark in chunk.remarks.items()}
            start += len(chunk.records)
        return Embedded(np.concatenate(vectors), reasons, remarks)


def as_arrays(pictures: Pictures) -> Images | None:
    """Pictures that are arrays already, as they came; None for all others.

    Raises:
        PicturesError: If an array could be one picture or many.

    Example:
        >>> len(as_arrays(np.zeros((28, 30), np.uint8))), as_arrays("seven.png")
        (1, None)
    """
    if not isinstance(pictures, np.ndarray):
        if isinstance(pictures, list | tuple) and all(
            isinstance(picture, np.ndarray) for picture in pictures
        ):
            return pictures
        return None
    if pictures.ndim == 1 and pictures.dtype.kind in "OU":
        return None
    if pictures.ndim == 2:
        return pictures[None]
    if pictures.ndim == 4 or (pictures.ndim == 3 and pictures.shape[2] not in _CHANNELS):
        return pictures
    raise PicturesError(_misshapen(pictures.shape))


def _misshapen(shape: tuple[int, ...]) -> str:
    if len(shape) == 3:
        return (
            f"An array of shape {shape} could be one colour picture or {shape[0]} grey ones: "
            "put one picture into a list, [picture], and many into list(pictures)."
        )
    return (
        "Expected an array of shape (h, w) for one picture, (n, h, w) or (n, h, w, 3) for n. "
        f"Received: {shape}."
    )


def as_records(pictures: Pictures) -> list[Record]:
    """Name pictures of any form, without reading any file.

    Raises:
        PicturesError: If something else was passed.

    Example:
        >>> [record.id for record in as_records(["seven.png", "two.png"])]
        ['seven.png', 'two.png']
    """
    return [as_record(picture, str(place)) for place, picture in enumerate(listed(pictures))]


def record_stream(pictures: Pictures) -> Iterator[Record]:
    """Name pictures of any form, each when it is drawn; a stream stays one.

    Raises:
        PicturesError: If something else was passed; of a stream, while iterating.

    Example:
        >>> [record.id for record in record_stream(iter(["seven.png", "two.png"]))]
        ['seven.png', 'two.png']
    """
    return map(as_record, streamed(pictures), map(str, count()))


def streamed(pictures: Pictures) -> Iterable[Picture]:
    """Keep a stream; put one picture, or each of a collection, into a list.

    Raises a PicturesError as `listed` does.
    """
    return pictures if isinstance(pictures, Iterator) else listed(pictures)


def listed(pictures: Pictures) -> list[Any]:
    """Put one picture, or each of many, into a list.

    Raises:
        PicturesError: If neither came.

    Example:
        >>> listed("seven.png"), listed(iter(["seven.png", "two.png"]))
        (['seven.png'], ['seven.png', 'two.png'])
    """
    if isinstance(pictures, str | os.PathLike):
        return [_require_file(pictures)]
    if isinstance(pictures, Record) or is_pillow(pictures):
        return [pictures]
    arrays = as_arrays(pictures)
    if arrays is not None:
        return list(arrays)
    keyed = hasattr(pictures, "columns")  # as a table of pandas
    if not keyed and isinstance(pictures, Iterable) and not isinstance(pictures, bytes | Mapping):
        return list(pictures)
    raise PicturesError(_unknown(pictures))


def as_record(picture: Any, id: str) -> Record:
    """Name one picture.

    Args:
        picture: A path, the name of a bundled digit, a uint8 array `(h, w)` or `(h, w, 3)`, a
            Pillow image, or a record.
        id: The id of a picture that has no name of its own.

    Raises:
        PicturesError: If something else was passed.

    Example:
        >>> as_record(np.zeros((28, 28), np.uint8), "blank").id, as_record("a.png", "blank").id
        ('blank', 'a.png')
    """
    if isinstance(picture, Record):
        return picture
    if isinstance(picture, np.ndarray):
        return Record(id, None, picture)
    if isinstance(picture, str | os.PathLike):
        return _named(os.fspath(picture))
    if not is_pillow(picture):
        raise PicturesError(_unknown(picture))
    from embedder.data.pillow import pillow_pixels

    name = os.fsdecode(getattr(picture, "filename", "") or id)
    try:
        return Record(name, None, pillow_pixels(picture))
    except ImageError as error:
        return Record(name, None, error.bare())


def readable_pixels(picture: Picture) -> Pixels:
    """Read one picture: uint8, `(h, w)` or `(h, w, 3)`.

    Raises:
        ImageError: If it cannot be read; the message names it.
        PicturesError: If it is not one picture.
    """
    record = as_record(picture, "The picture")
    try:
        return record.pixels()
    except ImageError as error:
        raise ImageError(f"{record.id} cannot be read: {error}.") from error


def is_pillow(value: object) -> TypeGuard[Image.Image]:
    """Whether this is a Pillow image; where nobody has imported Pillow, there is none."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)


def _named(name: str) -> Record:
    if not is_bundled(name):
        return Record(name, None, picture_at(name))
    stream = read_records(name)
    if stream.count() != 1:
        raise PicturesError(_many(name))
    return next(stream)


def _require_file(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """Refuse a folder where one picture is expected; in a list it is an unreadable picture."""
    name = os.fspath(path)
    if not name:
        raise PicturesError("Expected the path of a picture. Received an empty text.")
    if os.path.isdir(name):
        raise PicturesError(_many(name))
    return path


def _many(name: str) -> str:
    return f"{name!r} names many pictures: pass likewise.records({name!r})."


def _unknown(value: object) -> str:
    advice = " Decode bytes with likewise.read_image." if isinstance(value, bytes) else ""
    return f"Expected {_KINDS}, or several in a list. Received: {type(value).__name__}.{advice}"
