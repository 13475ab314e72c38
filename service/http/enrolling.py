"""References that come over HTTP, into the gallery: pictures or vectors, with label and metadata.

A reference that is there just so is left as it is; a picture that the gallery knows, under whatever
id, is not embedded again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from embedder.errors import ImageError
from embedder.images import read_image
from embedder.splits import content_hash
from index.reference import Reference
from service.http.subjects import Floats, Pixels
from service.matcher import Matcher

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


@dataclass(slots=True)
class Enrolled:
    """What became of some entries.

    Attributes:
        statuses: `ADDED`, `REPLACED` or `UNCHANGED`, for each entry that could be read, in order.
        unreadable: Id and error of each picture that could not.
    """

    statuses: list[Status] = field(default_factory=list)
    unreadable: list[tuple[str, ImageError]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """An entry and what is stored of its picture."""

    entry: Entry
    pixels: Pixels | None = None
    content: bytes | None = None


def enrol(matcher: Matcher, entries: Sequence[Entry], max_pixels: int) -> Enrolled:
    """Add entries in one transaction; of an id given twice the last counts.

    Raises:
        ValueError: If an id, a label or metadata cannot be stored; then nothing was.
        StoreError: If the gallery cannot be changed; then nothing was.
    """
    report = Enrolled()
    read: list[_Read] = []
    for entry in entries:
        try:
            read.append(_read(entry, matcher, max_pixels))
        except ImageError as error:
            report.unreadable.append((entry.id, error))
    known: dict[str, Any] = dict(matcher.gallery.named([one.entry.id for one in read]))
    new: dict[str, _Read] = {}
    for one in read:
        report.statuses.append(_status(one, known.get(one.entry.id)))
        if report.statuses[-1] != UNCHANGED:
            new[one.entry.id] = known[one.entry.id] = one
    _store(matcher, list(new.values()))
    return report


def _read(entry: Entry, matcher: Matcher, max_pixels: int) -> _Read:
    if entry.picture is None:
        return _Read(entry)
    pixels = read_image(entry.picture, max_pixels=max_pixels)
    return _Read(entry, matcher.embedder.prepare([pixels])[0], content_hash(pixels))


def _status(one: _Read, known: Reference | _Read | None) -> Status:
    """What an entry will be, given what has its id: stored, or earlier among the same entries."""
    if known is None:
        return ADDED
    stored = known.entry if isinstance(known, _Read) else known
    same = (stored.label, known.content, dict(stored.metadata)) == (
        one.entry.label,
        one.content,
        dict(one.entry.metadata),
    )
    if same and one.entry.vector is not None:
        same = stored.vector is not None and np.array_equal(stored.vector, one.entry.vector)
    return UNCHANGED if same else REPLACED


def _store(matcher: Matcher, new: Sequence[_Read]) -> None:
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


def _vectors(matcher: Matcher, new: Sequence[_Read]) -> Floats:
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
