"""Enrol labelled pictures and vectors as references of a gallery.

Unchanged references are skipped. Each distinct picture is embedded once, or not at all if the
gallery has it under any id, so an interrupted call can be repeated at little cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from embedder.data.records import Record
from embedder.errors import ImageError, UnlabelledError
from embedder.model import Embedder
from index.gallery import Gallery
from index.references.rows import Reference
from likewise.arrays import Floats, Pixels
from likewise.decoding import Decoded, ahead, decode_stream
from likewise.names import normal
from likewise.remarks import Remarks

BATCH = 2048  # references in one transaction: the most that a kill can lose
_SECONDS = 2.0  # large pictures are made durable at least as often

Status = Literal["added", "replaced", "unchanged"]
ADDED: Status = "added"
REPLACED: Status = "replaced"
UNCHANGED: Status = "unchanged"


@dataclass(slots=True)
class AddReport:
    """Outcome of adding records.

    Attributes:
        added: New ids.
        replaced: Ids that were there with another label or picture.
        unchanged: Ids that were there with this label and picture; nothing was written.
        unreadable: Id and reason of each picture that could not be read.
        unlabelled: Id of each picture that was passed over because it has no label.
        remarks: On pictures that are nearly one grey value.
    """

    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)
    remarks: Remarks = field(default_factory=Remarks)

    @property
    def total(self) -> int:
        """All records that came."""
        stored = self.added + self.replaced + self.unchanged
        return stored + len(self.unreadable) + len(self.unlabelled)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A reference to enrol: a picture with its content hash, or a vector.

    Attributes:
        id: Its name; a reference of this id is replaced.
        label: Its group.
        metadata: JSON object.
        pixels: uint8 `(*input_shape)`, as the network takes it; None for a vector.
        content: Hash of the picture; None for a vector.
        vector: `(dim,)`, float32; None for a picture that is not embedded yet.
    """

    id: str
    label: str
    metadata: Mapping[str, Any]
    pixels: Pixels | None = None
    content: bytes | None = None
    vector: Floats | None = None


def enrol_records(
    embedder: Embedder,
    gallery: Gallery,
    records: Iterable[Record],
    progress: Callable[[int], object] | None = None,
) -> AddReport:
    """Enrol a stream of labelled pictures, `BATCH` of them in a transaction.

    The next batch is decoded and embedded while one is written. A picture that repeats an id of its
    batch counts as replaced. An id with the same label and picture is unchanged whatever metadata
    come with it: a folder, which has none, takes none away.

    Args:
        embedder: The gallery's.
        gallery: The gallery to change.
        records: Those without a label are passed over and noted.
        progress: Called with the number of records of each transaction.

    Raises:
        UnlabelledError: If no record has a label.
        StoreError: If the gallery cannot be changed; what was written before stays.
    """

    def embed(batch: Decoded) -> tuple[Decoded, list[Entry]]:
        return batch, with_vectors(embedder, gallery, _entries(batch))

    report = AddReport()
    labelled = _labelled(records, report.unlabelled)
    batches = decode_stream(labelled, embedder, size=BATCH, seconds=_SECONDS, hashed=True)
    with closing(batches), closing(ahead(embed, batches, threads=1, waiting=1)) as embedded:
        for batch, entries in embedded:
            statuses = write(gallery, entries, by_metadata=False)
            repeated = len(batch.images) - len(entries)
            report.added += statuses.count(ADDED)
            report.replaced += statuses.count(REPLACED) + repeated
            report.unchanged += statuses.count(UNCHANGED)
            report.remarks.add_all(batch)
            report.unreadable += [
                (batch.records[place].id, reason) for place, reason in batch.reasons.items()
            ]
            if progress:
                progress(len(batch.records))
    if report.unlabelled and report.total == len(report.unlabelled):
        raise UnlabelledError(
            f"{report.unlabelled[0]} has no label, and a reference needs one. Give a folder per "
            "label, a list of path,label, or one label for all with `likewise add --label`."
        )
    return report


def enrol(embedder: Embedder, gallery: Gallery, entries: Sequence[Entry]) -> list[Status]:
    """Enrol entries in one transaction; of several with one id the last counts.

    Args:
        embedder: The gallery's.
        gallery: The gallery to change.
        entries: n pictures or vectors.

    Returns:
        What became of each, n.

    Raises:
        ValueError: If an id, a label or metadata cannot be stored; then nothing was.
        StoreError: If the gallery cannot be changed; then nothing was.
    """
    return write(gallery, with_vectors(embedder, gallery, entries))


def with_vectors(embedder: Embedder, gallery: Gallery, entries: Sequence[Entry]) -> list[Entry]:
    """Give each picture its vector: the gallery's, else each different one is embedded once.

    Args:
        embedder: The gallery's.
        gallery: Asked for the vectors of pictures that it knows.
        entries: n pictures or vectors.

    Returns:
        The n entries, all with a vector.
    """
    pictures = {
        entry.content: entry.pixels
        for entry in entries
        if entry.content is not None and entry.pixels is not None
    }
    vectors: dict[bytes, Floats] = gallery.vectors_of(list(pictures))
    unknown = [content for content in pictures if content not in vectors]
    if unknown:
        embedded = embedder.embed(np.stack([pictures[content] for content in unknown]))
        vectors |= dict(zip(unknown, embedded, strict=True))
    return [
        entry if entry.content is None else replace(entry, vector=vectors[entry.content])
        for entry in entries
    ]


def write(gallery: Gallery, entries: Sequence[Entry], *, by_metadata: bool = True) -> list[Status]:
    """Store in one transaction those entries that change something.

    Args:
        gallery: The gallery to change.
        entries: n, all with a vector.
        by_metadata: Whether other metadata are a change too.

    Returns:
        What became of each, n; one that repeats an id is compared with the entry before.
    """
    known: dict[str, Reference | Entry] = dict(gallery.named([entry.id for entry in entries]))
    statuses: list[Status] = []
    new: dict[str, Entry] = {}
    for entry in entries:
        statuses.append(_status(entry, known.get(entry.id), by_metadata))
        if statuses[-1] != UNCHANGED:
            new[entry.id] = known[entry.id] = entry
    if new:
        gallery.add(
            list(new),
            np.stack([entry.vector for entry in new.values()]),  # type: ignore[misc]
            [entry.label for entry in new.values()],
            metadata=[entry.metadata for entry in new.values()],
            pictures=[entry.pixels for entry in new.values()],
            contents=[entry.content for entry in new.values()],
        )
    return statuses


def _status(entry: Entry, known: Reference | Entry | None, by_metadata: bool) -> Status:
    if known is None:
        return ADDED
    same = (
        normal(known.label) == normal(entry.label)
        and known.content == entry.content
        and (not by_metadata or dict(known.metadata) == dict(entry.metadata))
    )
    if same and entry.content is None:
        same = np.array_equal(known.vector, entry.vector)  # type: ignore[arg-type]
    return UNCHANGED if same else REPLACED


def _entries(batch: Decoded) -> list[Entry]:
    """The readable pictures of a batch; of several with one id the last."""
    entries = {
        record.id: Entry(record.id, str(record.label), dict(record.metadata), pixels, content)
        for record, pixels, content in zip(
            batch.readable, batch.images, batch.contents, strict=True
        )
    }
    return list(entries.values())


def _labelled(records: Iterable[Record], unlabelled: list[str]) -> Iterator[Record]:
    """Pass records on, but for those without a label, whose ids are noted."""
    for record in records:
        if record.label is None and not isinstance(record.image, ImageError):
            unlabelled.append(record.id)
        else:
            yield record
