"""References that come over HTTP, into the gallery: pictures or vectors, with label and metadata.

A reference that is there just so is left as it is; a picture that the gallery knows, under whatever
id, is not embedded again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from embedder.data.images import read_image
from embedder.data.splits import content_hash
from embedder.errors import ImageError
from embedder.model import Embedder
from index.references.rows import Reference
from likewise.arrays import Floats, Pixels
from likewise.matcher import Matcher

Status = Literal["added", "replaced", "unchanged"]
ADDED: Status = "added"
REPLACED: Status = "replaced"
UNCHANGED: Status = "unchanged"


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One reference to be: a picture file, or a vector.

    Attributes:
        id: Its name; one that is there already is replaced.
        label: Its group.
        metadata: Plain JSON.
        picture: A file; None for a vector.
        vector: `(dim,)`, float32; None for a picture.
    """

    id: str
    label: str
    metadata: Mapping[str, Any]
    picture: bytes | None = None
    vector: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """An entry that can be read.

    Attributes:
        entry: What came.
        pixels: Its picture as the network takes it; None for a vector.
        content: Hash of its picture; None for a vector.
    """

    entry: Entry
    pixels: Pixels | None = None
    content: bytes | None = None


def read(
    entries: Sequence[Entry], embedder: Embedder, max_pixels: int
) -> list[Prepared | ImageError]:
    """Decode the pictures of entries; where one cannot be read, give the reason."""
    return [_read(entry, embedder, max_pixels) for entry in entries]


def enrol(matcher: Matcher, entries: Sequence[Prepared]) -> list[Status]:
    """Add entries in one transaction; of an id given twice the last counts.

    Returns:
        What each has become.

    Raises:
        ValueError: If an id, a label or metadata cannot be stored; then nothing was.
        StoreError: If the gallery cannot be changed; then nothing was.
    """
    known: dict[str, Any] = dict(matcher.gallery.named([one.entry.id for one in entries]))
    statuses: list[Status] = []
    new: dict[str, Prepared] = {}
    for one in entries:
        statuses.append(_status(one, known.get(one.entry.id)))
        if statuses[-1] != UNCHANGED:
            new[one.entry.id] = known[one.entry.id] = one
    _store(matcher, list(new.values()))
    return statuses


def _read(entry: Entry, embedder: Embedder, max_pixels: int) -> Prepared | ImageError:
    if entry.picture is None:
        return Prepared(entry)
    try:
        pixels = read_image(entry.picture, max_pixels=max_pixels)
    except ImageError as error:
        return error.bare()
    return Prepared(entry, embedder.prepare([pixels])[0], content_hash(pixels))


def _status(one: Prepared, known: Reference | Prepared | None) -> Status:
    """What an entry will be, given what has its id: stored, or earlier among the same entries."""
    if known is None:
        return ADDED
    stored = known.entry if isinstance(known, Prepared) else known
    same = (stored.label, known.content, dict(stored.metadata)) == (
        one.entry.label,
        one.content,
        dict(one.entry.metadata),
    )
    if same and one.entry.vector is not None:
        same = stored.vector is not None and np.array_equal(stored.vector, one.entry.vector)
    return UNCHANGED if same else REPLACED


def _store(matcher: Matcher, new: Sequence[Prepared]) -> None:
    if not new:
        return
    matcher.gallery.add(
        [one.entry.id for one in new],
        _vectors(matcher, new),
        [one.entry.label for one in new],
        metadata=[one.entry.metadata for one in new],
        pictures=[one.pixels for one in new],
        contents=[one.content for one in new],
    )


def _vectors(matcher: Matcher, new: Sequence[Prepared]) -> Floats:
    """The vectors of all, `(n, dim)`; each different picture is embedded once, if at all."""
    pictures = {
        one.content: one.pixels for one in new if one.content is not None and one.pixels is not None
    }
    known: dict[bytes, Floats] = matcher.gallery.vectors_of(list(pictures))
    unknown = {content: pixels for content, pixels in pictures.items() if content not in known}
    if unknown:
        embedded = matcher.embedder.embed(np.stack([*unknown.values()]))
        known |= dict(zip(unknown, embedded, strict=True))
    return np.stack([known[one.content] if one.content else one.entry.vector for one in new])  # type: ignore[misc]
