"""Enrol pictures and vectors as references of a gallery.

Unchanged references are skipped. Each distinct picture is embedded once, or not at all if the
gallery has it under any id, so an interrupted call can be repeated at little cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import compress

import numpy as np

from embedder.data.metadata import plain_metadata
from embedder.data.records import Record, Records
from embedder.errors import EmbeddingError, ImageError
from embedder.model import Embedder
from index.gallery import Gallery
from index.references.rows import Reference
from index.search.checked import searchable
from likewise.add_report import AddReport
from likewise.arrays import Bools, Floats, Pixels
from likewise.conflicts import (
    Entry,
    OnConflict,
    Outcome,
    Status,
    decide,
    is_row,
    require_known,
)
from likewise.decoding import Decoded, decode_stream
from likewise.embedding import NOT_FINITE
from likewise.parallel import ahead
from likewise.preflight import refuse_conflicts

BATCH = 2048  # references in one transaction: what a kill can cost, and what one sync pays for
_SECONDS = 2.0  # large pictures are made durable at least as often


def enrol_records(
    embedder: Embedder,
    gallery: Gallery,
    records: Iterable[Record],
    progress: Callable[[int], object] | None = None,
    on_conflict: OnConflict = "error",
    *,
    unlabelled: bool = False,
) -> AddReport:
    """Enrol a stream of labelled pictures, `BATCH` of them in a transaction.

    The next batch is decoded and embedded while one is written. An id with the same label and
    picture is unchanged whatever metadata come with it: a folder, which has none, removes none.

    Args:
        embedder: The gallery's.
        gallery: The gallery to change.
        records: Those without a label are passed over and noted, unless `unlabelled`.
        progress: Called with the number of records of each transaction.
        on_conflict: What becomes of a picture whose id another picture or label has, in the
            gallery or among the records before: `error` refuses it, before anything is written
            where the records can be read twice; `replace` and `skip` keep the last or the first;
            `rename` puts the source's name before the id.
        unlabelled: Whether records without a label become references without a group.

    Raises:
        ConflictError: If there is such a picture, and it is to be refused.
        UnlabelledError: If no record has a label.
        ValueError: If `on_conflict` is none of these words.
        StoreError: If the gallery cannot be changed; what was written before stays.
    """
    require_known(on_conflict)
    report = AddReport()

    def embed(batch: Decoded) -> tuple[Decoded, list[Entry]]:
        entries = entries_of(batch, source)
        has_vector = embed_entries(embedder, gallery, entries, batch.images)
        if has_vector.all():
            return batch, entries
        return batch.only(has_vector), list(compress(entries, has_vector.tolist()))

    if isinstance(records, list):
        records = Records(partial(iter, records), len(records))
    source = records.name if isinstance(records, Records) else ""
    known: set[str] = set()
    if on_conflict == "error" and isinstance(records, Records):
        known = refuse_conflicts(embedder, gallery, records, unlabelled=unlabelled)
    wanted = _wanted(records, report, known, unlabelled)
    batches = decode_stream(wanted, embedder, size=BATCH, seconds=_SECONDS, hashed=True)
    with closing(batches), closing(ahead(embed, batches, threads=1, waiting=1)) as embedded:
        for batch, entries in embedded:
            report.count(write(gallery, entries, by_metadata=False, on_conflict=on_conflict))
            report.remarks.add_all(batch)
            report.unreadable += [
                (batch.records[place].id, reason) for place, reason in batch.reasons.items()
            ]
            if progress:
                progress(len(batch.records))
    report.require_labels()
    return report


def enrol(
    embedder: Embedder,
    gallery: Gallery,
    entries: Sequence[Entry],
    on_conflict: OnConflict = "replace",
) -> list[Status | ImageError]:
    """Enrol entries in one transaction.

    Args:
        embedder: The gallery's.
        gallery: The gallery to change.
        entries: n pictures or vectors.
        on_conflict: What becomes of one whose id another has, as for `enrol_records`.

    Returns:
        What became of each, n; an error for a picture that the model gives no vector for.

    Raises:
        ConflictError: If there is such an entry, and it is to be refused; then nothing was stored.
        ValueError: If an id, a label or metadata cannot be stored; then nothing was.
        StoreError: If the gallery cannot be changed; then nothing was.
    """
    has_vector = embed_entries(embedder, gallery, entries).tolist()
    statuses = iter(write(gallery, list(compress(entries, has_vector)), on_conflict=on_conflict))
    return [next(statuses) if has else EmbeddingError(NOT_FINITE) for has in has_vector]


def embed_entries(
    embedder: Embedder,
    gallery: Gallery,
    entries: Sequence[Entry],
    stacked: Pixels | None = None,
) -> Bools:
    """Give each picture its vector: the gallery's, else each different one is embedded once.

    Args:
        embedder: The gallery's.
        gallery: Asked for the vectors of pictures that it knows.
        entries: n pictures or vectors; all have a vector afterwards.
        stacked: The pictures of all entries, `(n, *input_shape)`, where they lie in one array.

    Returns:
        Which entries have a vector that can be searched for, `(n,)`.
    """
    pictures = {
        entry.content: entry.pixels
        for entry in entries
        if entry.content is not None and entry.pixels is not None
    }
    vectors: dict[bytes, Floats] = gallery.vectors_of(list(pictures))
    unknown = [content for content in pictures if content not in vectors]
    if unknown:
        if stacked is None or len(unknown) < len(stacked):
            stacked = np.stack([pictures[content] for content in unknown])
        embedded = embedder.embed(stacked)
        vectors |= dict(zip(unknown, embedded, strict=True))
    for entry in entries:
        if entry.content is not None:
            entry.vector = vectors[entry.content]
    rows = np.array([entry.vector for entry in entries], np.float32)
    return searchable(rows.reshape(len(entries), gallery.dim))


def write(
    gallery: Gallery,
    entries: Sequence[Entry],
    *,
    by_metadata: bool = True,
    on_conflict: OnConflict = "replace",
) -> list[Status]:
    """Store in one transaction those entries that change something.

    What becomes of them is decided within the transaction, whatever others write at the same time.
    A label joins its group in the spelling in which an earlier version stored it.

    Args:
        gallery: The gallery to change.
        entries: n, all with a vector.
        by_metadata: Whether other metadata are a change too.
        on_conflict: What becomes of one whose id another has, as for `enrol_records`.

    Returns:
        What became of each, n; one that repeats an id is compared with the entry before.

    Raises:
        ConflictError: If an entry is refused; then nothing was stored.
    """
    entries = _as_stored(entries, gallery.old_spellings())
    asked = [entry.id for entry in entries]
    if on_conflict == "rename":
        asked += [entry.other_id for entry in entries]
    decided = partial(decide, entries, on_conflict=on_conflict, by_metadata=by_metadata)
    outcome = decided(gallery.named(asked) if asked else {})
    stored = not outcome.new
    while not stored:
        outcome, stored = _store(gallery, outcome.new, asked, decided)
    return outcome.statuses


def _as_stored(entries: Sequence[Entry], spelled: Mapping[str, str]) -> Sequence[Entry]:
    """The entries with their labels as an older gallery holds them, by today's spelling."""
    if not spelled:
        return entries
    return [replace(e, label=spelled.get(e.label or "", e.label)) for e in entries]


def _store(
    gallery: Gallery,
    new: Mapping[str, Entry],
    asked: Sequence[str],
    decided: Callable[[Mapping[str, Reference]], Outcome],
) -> tuple[Outcome, bool]:
    """Store what is decided within a transaction, where `new` has a row for all of it.

    Args:
        gallery: The gallery to change.
        new: The entries that were to be stored before the transaction began, by id.
        asked: All ids on which the decision depends.
        decided: Decides by the references that have these ids.

    Returns:
        What was decided within the transaction, and whether it was stored: nothing was where
        another writer came in between and other entries are to be stored now.
    """
    outcome, stored = Outcome(), False

    def choose(now: Mapping[str, Reference]) -> Iterable[str]:
        nonlocal outcome, stored
        outcome = decided(now)
        stored = all(id in new and is_row(entry, new[id]) for id, entry in outcome.new.items())
        return outcome.new if stored else ()

    gallery.add(
        list(new),
        np.stack([entry.vector for entry in new.values()]),  # type: ignore[misc]
        [entry.label for entry in new.values()],
        metadata=[entry.metadata for entry in new.values()],
        pictures=[entry.pixels for entry in new.values()],
        contents=[entry.content for entry in new.values()],
        choose=choose,
        asked=asked,
    )
    return outcome, stored


def entries_of(batch: Decoded, source: str) -> list[Entry]:
    """Make entries of the readable pictures of a batch, with their source in their metadata.

    Args:
        batch: Decoded records.
        source: Name of the source, for records that do not say.
    """
    names = [record.source or source for record in batch.readable]
    origins = {name: {"source": name} if name else {} for name in names}  # one for all of a source
    rows = zip(batch.readable, batch.images, batch.contents, names, strict=True)
    return [
        Entry(
            record.id,
            record.label,
            origins[name] | plain_metadata(record.metadata) if record.metadata else origins[name],
            pixels,
            content,
            None,
            name,
        )
        for record, pixels, content, name in rows
    ]


def lacks_label(record: Record, unlabelled: bool) -> bool:
    """Whether a record is passed over; one that has no picture is unreadable instead.

    Args:
        record: The record.
        unlabelled: Whether records without a label become references too.
    """
    return record.label is None and not unlabelled and not isinstance(record.image, ImageError)


def _wanted(
    records: Iterable[Record], report: AddReport, unchanged: set[str], unlabelled: bool
) -> Iterator[Record]:
    """Pass on the records that are to be decoded; count those without a label and the unchanged."""
    for record in records:
        if lacks_label(record, unlabelled):
            report.unlabelled.append(record.id)
        elif record.id in unchanged:
            report.unchanged += 1
        else:
            yield record
