"""Find colliding ids before the first picture is written.

Only pictures whose id comes twice, or is in the gallery, are decoded here; those that are in the
gallery unchanged need not be looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from embedder.data.records import Record, Records
from embedder.model import Embedder
from index.gallery import Gallery
from likewise.conflicts import ConflictError, Entry, is_same
from likewise.decoding import chunks, decode_stream

_AT_ONCE = 2048


def refuse_conflicts(
    embedder: Embedder, gallery: Gallery, records: Records, *, unlabelled: bool = False
) -> set[str]:
    """Refuse records whose id is another record's or reference's, with another picture or label.

    Args:
        embedder: The gallery's.
        gallery: Whose references they would join.
        records: Read anew here, from the first one on; not checked if they come only once.
        unlabelled: Whether records without a label become references too.

    Returns:
        Ids of the records that are in the gallery unchanged, each time they come.

    Raises:
        ConflictError: Naming some of them.
    """
    is_empty = not len(gallery)
    if records.are_distinct and is_empty:
        return set()
    suspects = _suspects(None if is_empty else gallery, records)
    again = records.again()
    if not suspects or again is None:
        return set()
    seen: dict[str, Entry] = {}
    unchanged: set[str] = set()
    conflicts: list[str] = []
    asked = (r for r in again if r.id in suspects and (r.label or unlabelled))
    for entries in _entries(embedder, asked):
        stored = gallery.named([entry.id for entry in entries])
        for entry in entries:
            before = stored.get(entry.id) or seen.setdefault(entry.id, entry)
            if not is_same(entry, before):
                conflicts.append(entry.id)
            elif entry.id in stored:
                unchanged.add(entry.id)
    if conflicts:
        raise ConflictError(conflicts)
    return unchanged


def _suspects(gallery: Gallery | None, records: Records) -> set[str]:
    """Ids that come twice, or are in the gallery, if it holds any."""
    seen: set[str] = set()
    suspects: set[str] = set()
    for chunk in chunks(records.again() or (), _AT_ONCE):
        ids = [record.id for record in chunk]
        if gallery is not None:
            suspects |= gallery.named(ids).keys()
        for id in ids:
            if id in seen:
                suspects.add(id)
            seen.add(id)
    return suspects


def _entries(embedder: Embedder, records: Iterator[Record]) -> Iterator[list[Entry]]:
    """Labels and contents of the records that can be read, some at a time."""
    with closing(
        decode_stream(records, embedder, size=_AT_ONCE, seconds=2.0, hashed=True)
    ) as parts:
        for part in parts:
            rows = zip(part.readable, part.contents, strict=True)
            yield [Entry(r.id, r.label, {}, content=content) for r, content in rows]
