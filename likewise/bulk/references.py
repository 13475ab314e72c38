"""Parts of a sharded build: pictures with their vectors, ready to become references.

A block has a line of rows, then the vectors of those that can become references, then their
pictures as a gallery keeps them. A picture that cannot has a row too, so that the parts say where
each picture stood in the input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from embedder.data.records import Records
from embedder.model import Embedder
from index.storage.pictures import decode_picture, encode_pictures
from likewise.arrays import Floats
from likewise.bulk.embeddings import EmbedReport
from likewise.bulk.parts import Part, blocks, interleaved, unpacked_vectors
from likewise.bulk.shard import Shard, Taken, write_part
from likewise.bulk.stream import embed_stream
from likewise.conflicts import Entry, OnConflict
from likewise.decoding import Decoded
from likewise.enrolment import entries_of, lacks_label
from likewise.output.rows import json_line

BUILD = "build"  # the job of these parts
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What all shards of a build must agree in.

    Attributes:
        model: Name or path of the model, for `Embedder.load`.
        on_conflict: What becomes of a picture whose id another has.
        unlabelled: Whether records without a label become references without a group.
        notes: Sentences that the gallery keeps, by name.
    """

    model: str
    on_conflict: OnConflict
    unlabelled: bool
    notes: dict[str, str]

    def settings(self, embedder: Embedder) -> dict[str, Any]:
        """What a part says of itself.

        Args:
            embedder: The model.
        """
        made = {"fingerprint": embedder.fingerprint, "dim": embedder.dim}
        return {"job": BUILD, "format": _FORMAT, **made, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Passed:
    """A picture that does not become a reference.

    Attributes:
        id: Its name.
        reason: Why it cannot be read; None where it has no label.
    """

    id: str
    reason: str | None


def write_references(
    records: Records,
    output: Path,
    shard: Shard,
    embedder: Embedder,
    options: BuildOptions,
    *,
    progress: Callable[[int], object] | None = None,
) -> EmbedReport:
    """Embed the pictures of a shard into its part of a gallery, whole or not at all.

    Args:
        records: All pictures of the input.
        output: The gallery that all parts will make.
        shard: Which pictures to embed.
        embedder: The model of the build.
        options: Settings of the build.
        progress: Called with the number of pictures done since the last call.

    Returns:
        The number of future references, and the unreadable pictures with reasons.
    """
    taken, report = Taken(shard, records), EmbedReport()

    def embedded() -> Iterator[bytes]:
        for part, vectors in embed_stream(embedder, taken, hashed=True):
            yield block(part, vectors, options.unlabelled, records.name, report)
            if progress:
                progress(len(part.records))

    head = json_line(options.settings(embedder) | shard.settings())
    write_part(shard.part(output), chain([head], embedded()), taken)
    return report


def read_references(parts: list[Part]) -> Iterator[Entry | Passed]:
    """Give the pictures of all parts in the order of the input.

    Args:
        parts: All parts of a build, in order.

    Raises:
        PartsError: If a part has not as many rows as it should.
    """
    return interleaved(parts, _rows)


def block(
    part: Decoded, vectors: Floats, unlabelled: bool, source: str, report: EmbedReport
) -> bytes:
    """Bring pictures and their vectors into the form of a part.

    Args:
        part: Decoded pictures.
        vectors: Those of the pictures that can be read, `(m, dim)`.
        unlabelled: As in `BuildOptions`.
        source: Name of the input.
        report: Counts them.
    """
    report.remarks.add_all(part)
    rows: list[dict[str, Any]] = []
    kept: list[int] = []  # positions among the readable pictures
    entries = entries_of(part, source)
    readable = 0
    for place, record in enumerate(part.records):
        reason = part.reasons.get(place)
        if lacks_label(record, unlabelled):
            rows.append({"id": record.id})
        elif reason is not None:
            report.unreadable.append((record.id, reason))
            rows.append({"id": record.id, "reason": reason})
        else:
            kept.append(readable)
            rows.append(_row(entries[readable]))
        readable += reason is None
    pictures = [picture or b"" for picture in encode_pictures(part.images[kept])]
    for row, picture in zip((row for row in rows if "size" in row), pictures, strict=True):
        row["size"] = len(picture)
    report.rows += len(kept)
    content = vectors[kept].astype("<f4", copy=False).tobytes() + b"".join(pictures)
    return json_line({"rows": rows}) + content + b"\n"


def _row(entry: Entry) -> dict[str, Any]:
    assert entry.content is not None
    return {
        "id": entry.id,
        "label": entry.label,
        "metadata": entry.metadata,
        "content": entry.content.hex(),
        "source": entry.source,
        "size": 0,
    }


def _rows(part: Part) -> Iterator[Entry | Passed]:
    for rows, read in blocks(part):
        yield from unpacked(rows, read, part.settings["dim"])


def unpacked(
    rows: list[dict[str, Any]], read: Callable[[int], bytes], dim: int
) -> Iterator[Entry | Passed]:
    """Read the pictures of a block.

    Args:
        rows: Its first line.
        read: Reads so many bytes of the rest.
        dim: Length of a vector.
    """
    count = sum("size" in row for row in rows)
    vectors = iter(unpacked_vectors(read, count, dim))
    for row in rows:
        if "size" not in row:
            yield Passed(row["id"], row.get("reason"))
            continue
        yield Entry(
            row["id"],
            row["label"],
            row["metadata"],
            decode_picture(read(row["size"])),
            bytes.fromhex(row["content"]),
            next(vectors),
            row["source"],
        )
