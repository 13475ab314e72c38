"""Write embeddings to a file: a NumPy array, or a Parquet table with ids and labels.

Rows are streamed, so memory does not grow with the number of pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from embedder.data.parquet import import_pyarrow
from embedder.data.records import Record
from embedder.model import Embedder
from likewise.arrays import Floats
from likewise.bulk.stream import embed_stream
from likewise.decoding import Decoded
from likewise.errors import LikewiseError
from likewise.output.writers import replacing
from likewise.remarks import Remarks


@dataclass(slots=True)
class EmbedReport:
    """Report: the number of rows, and the unreadable pictures with reasons."""

    rows: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    remarks: Remarks = field(default_factory=Remarks)


def write_embeddings(
    embedder: Embedder,
    records: Iterable[Record],
    path: Path,
    *,
    progress: Callable[[int], object] | None = None,
) -> EmbedReport:
    """Embed pictures into a file, one row each, in order.

    Args:
        embedder: The model.
        records: The pictures.
        path: `.npy`, float32 `(n, dim)`, with NaN in the row of a picture that cannot be read; or
            `.parquet`, with the columns id, label, embedding (float32) and reason.
        progress: Called with the number of pictures done since the last call.

    Raises:
        LikewiseError: If the ending is neither.
    """
    report = EmbedReport()
    make = _FILES.get(path.suffix.lower())
    if make is None:
        raise LikewiseError(f"{path} should end in .npy or .parquet: the ending sets the format.")
    with replacing(path) as stream:
        file = make(stream, embedder.dim)
        try:
            for part, vectors in embed_stream(embedder, records):
                file.write(part, _aligned(part, vectors))
                report.rows += len(part.records)
                report.remarks.add_all(part)
                report.unreadable += [
                    (part.records[place].id, reason) for place, reason in part.reasons.items()
                ]
                if progress:
                    progress(len(part.records))
        finally:  # Parquet's writer would else end itself when the stream is closed
            file.close(report.rows)
    return report


class _File(Protocol):
    def write(self, part: Decoded, vectors: Floats) -> None: ...

    def close(self, rows: int) -> None: ...


class _Npy:
    """NumPy's format; its header, which says how many rows there are, is written twice."""

    def __init__(self, stream: BinaryIO, dim: int) -> None:
        self._stream, self._dim = stream, dim
        self._header(0)
        self._begin = stream.tell()

    def write(self, part: Decoded, vectors: Floats) -> None:
        self._stream.write(vectors.astype("<f4", copy=False).tobytes())

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
    """Rows with ids, a row group for each chunk."""

    def __init__(self, stream: BinaryIO, dim: int) -> None:
        self._arrow = pa = import_pyarrow()
        self._dim = dim
        text, vector = pa.string(), pa.list_(pa.float32(), dim)
        columns = [("id", text), ("label", text), ("embedding", vector), ("reason", text)]
        self._schema = pa.schema(columns)
        self._writer = pa.parquet.ParquetWriter(stream, self._schema)

    def write(self, part: Decoded, vectors: Floats) -> None:
        pa = self._arrow
        places = range(len(part.records))
        reasons = [part.reasons.get(place, part.remarks.get(place)) for place in places]
        absent = pa.array([place in part.reasons for place in places])
        columns: list[Any] = [
            pa.array([record.id for record in part.records]),
            pa.array([record.label for record in part.records], pa.string()),
            pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), self._dim, mask=absent),
            pa.array(reasons, pa.string()),
        ]
        self._writer.write_table(pa.table(columns, schema=self._schema))

    def close(self, rows: int) -> None:
        self._writer.close()


_FILES: dict[str, Callable[[BinaryIO, int], _File]] = {".npy": _Npy, ".parquet": _Parquet}


def _aligned(part: Decoded, vectors: Floats) -> Floats:
    """Put a row of NaN where a picture could not be read."""
    if not part.reasons:
        return vectors
    rows = np.full((len(part.records), vectors.shape[1]), np.nan, np.float32)
    rows[[place for place in range(len(rows)) if place not in part.reasons]] = vectors
    return rows
