"""Write embeddings to a file: a NumPy array, or a Parquet table with ids and labels.

Rows are streamed, so memory does not grow with the number of pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from embedder.data.parquet import import_pyarrow
from embedder.data.records import Record
from embedder.model import Embedder
from likewise.arrays import Floats
from likewise.bulk.shard import Shard, Taken, write_part
from likewise.bulk.stream import embed_stream
from likewise.decoding import Decoded
from likewise.errors import LikewiseError
from likewise.output.rows import json_line
from likewise.output.writers import replacing
from likewise.remarks import Remarks

Name = tuple[str, str | None, str | None, bool]  # id, label, reason, whether it could be read

ROWS_TOGETHER = 2048  # in a row group of Parquet, however fast the pictures come


@dataclass(slots=True)
class EmbedReport:
    """Report: the number of rows, and the unreadable pictures with reasons."""

    rows: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    remarks: Remarks = field(default_factory=Remarks)

    def include(self, part: EmbedReport) -> None:
        """Count the rows of a part too."""
        self.rows += part.rows
        self.unreadable += part.unreadable
        self.remarks.include(part.remarks)


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """Embedded pictures.

    Attributes:
        names: Id and label of each of n pictures, the reason why it could not be read or its vector
            is doubtful, and whether it could be read.
        vectors: `(n, dim)`, float32; NaN in the rows of pictures that could not be read.
    """

    names: list[Name]
    vectors: Floats

    def __getitem__(self, rows: slice) -> Embedded:
        """Some of the pictures."""
        return Embedded(self.names[rows], self.vectors[rows])

    @classmethod
    def joined(cls, parts: Sequence[Embedded]) -> Embedded:
        """At least one part after the other."""
        names = [name for part in parts for name in part.names]
        return cls(names, np.concatenate([part.vectors for part in parts]))


def write_embeddings(
    embedder: Embedder,
    records: Iterable[Record],
    path: Path,
    *,
    shard: Shard | None = None,
    progress: Callable[[int], object] | None = None,
) -> EmbedReport:
    """Embed pictures into a file, one row each, in order.

    Args:
        embedder: The model.
        records: The pictures.
        path: `.npy`, float32 `(n, dim)`, with NaN in the row of a picture that cannot be read; or
            `.parquet`, with the columns id, label, embedding (float32) and reason.
        shard: Embed these pictures only, into the shard's part of `path`.
        progress: Called with the number of pictures done since the last call.

    Raises:
        LikewiseError: If the ending is neither.
    """
    report = EmbedReport()
    _maker(path)
    if shard is None:
        write_vectors(path, embedder.dim, embedded(embedder, records, report, progress))
        return report
    taken = Taken(shard, records)
    settings = {"job": "embed", "format": 1, "model": embedder.fingerprint, "dim": embedder.dim}
    blocks = map(_block, embedded(embedder, taken, report, progress))
    write_part(shard.part(path), chain([json_line(settings | shard.settings())], blocks), taken)
    return report


def _block(rows: Embedded) -> bytes:
    vectors = rows.vectors.astype("<f4", copy=False).tobytes()
    return json_line({"rows": rows.names}) + vectors + b"\n"


def write_vectors(path: Path, dim: int, parts: Iterable[Embedded]) -> None:
    """Write embedded pictures to a file, whole or not at all.

    Args:
        path: `.npy` or `.parquet`.
        dim: Length of a vector.
        parts: Any number of pictures at a time.

    Raises:
        LikewiseError: If the ending is neither.
    """
    make, count = _maker(path), 0
    with replacing(path) as stream:
        file = make(stream, dim)
        try:
            for rows in _together(parts):
                file.write(rows)
                count += len(rows.names)
        finally:  # Parquet's writer would else end itself when the stream is closed
            file.close(count)


def embedded(
    embedder: Embedder,
    records: Iterable[Record],
    report: EmbedReport,
    progress: Callable[[int], object] | None = None,
) -> Iterator[Embedded]:
    """Embed pictures, some at a time.

    Args:
        embedder: The model.
        records: The pictures.
        report: Counts them.
        progress: As for `write_embeddings`.
    """
    for part, vectors in embed_stream(embedder, records):
        report.rows += len(part.records)
        report.remarks.add_all(part)
        report.unreadable += [
            (part.records[place].id, reason) for place, reason in part.reasons.items()
        ]
        reasons = part.remarks | part.reasons
        names = [
            (record.id, record.label, reasons.get(place), place not in part.reasons)
            for place, record in enumerate(part.records)
        ]
        yield Embedded(names, _aligned(part, vectors))
        if progress:
            progress(len(part.records))


def _together(parts: Iterable[Embedded]) -> Iterator[Embedded]:
    """The same rows, always as many together, so that the same rows make the same file."""
    waiting: list[Embedded] = []
    count = 0
    for part in parts:
        waiting.append(part)
        count += len(part.names)
        if count >= ROWS_TOGETHER:
            joined, whole = Embedded.joined(waiting), count - count % ROWS_TOGETHER
            for start in range(0, whole, ROWS_TOGETHER):
                yield joined[start : start + ROWS_TOGETHER]
            waiting, count = [joined[whole:]], count - whole
    if count:
        yield Embedded.joined(waiting)


class _File(Protocol):
    def write(self, rows: Embedded) -> None: ...

    def close(self, rows: int) -> None: ...


class _Npy:
    """NumPy's format; its header, which says how many rows there are, is written twice."""

    def __init__(self, stream: BinaryIO, dim: int) -> None:
        self._stream, self._dim = stream, dim
        self._header(0)
        self._begin = stream.tell()

    def write(self, rows: Embedded) -> None:
        self._stream.write(rows.vectors.astype("<f4", copy=False).tobytes())

    def close(self, rows: int) -> None:
        self._stream.seek(0)
        self._header(rows)
        if self._stream.tell() != self._begin:  # NumPy leaves room for 21 digits
            raise LikewiseError(f"{rows} rows are too many for a .npy file: use .parquet.")

    def _header(self, rows: int) -> None:
        shape = (rows, self._dim)
        described = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._stream, described)


class _Parquet:
    """Rows with ids."""

    def __init__(self, stream: BinaryIO, dim: int) -> None:
        self._arrow = pa = import_pyarrow()
        self._dim = dim
        text, vector = pa.string(), pa.list_(pa.float32(), dim)
        columns = [("id", text), ("label", text), ("embedding", vector), ("reason", text)]
        self._schema = pa.schema(columns)
        self._writer = pa.parquet.ParquetWriter(stream, self._schema)

    def write(self, rows: Embedded) -> None:
        pa, vectors = self._arrow, rows.vectors
        ids, labels, reasons, readable = zip(*rows.names, strict=True)
        absent = pa.array([not could for could in readable])
        columns: list[Any] = [
            pa.array(ids, pa.string()),
            pa.array(labels, pa.string()),
            pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), self._dim, mask=absent),
            pa.array(reasons, pa.string()),
        ]
        self._writer.write_table(pa.table(columns, schema=self._schema))

    def close(self, rows: int) -> None:
        self._writer.close()


_FILES: dict[str, Callable[[BinaryIO, int], _File]] = {".npy": _Npy, ".parquet": _Parquet}


def _maker(path: Path) -> Callable[[BinaryIO, int], _File]:
    make = _FILES.get(path.suffix.lower())
    if make is None:
        raise LikewiseError(f"{path} should end in .npy or .parquet: the ending sets the format.")
    return make


def _aligned(part: Decoded, vectors: Floats) -> Floats:
    """Put a row of NaN where a picture could not be read."""
    if not part.reasons:
        return vectors
    rows = np.full((len(part.records), vectors.shape[1]), np.nan, np.float32)
    rows[[place for place in range(len(rows)) if place not in part.reasons]] = vectors
    return rows
