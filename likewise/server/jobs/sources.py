"""The pictures of an upload, read by separate processes and never by the server."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from embedder.data.label_rule import NO_LABELS
from embedder.data.pixel_tables import pixel_records
from embedder.data.records import Encoded, Record, Records
from embedder.data.tables import table_records
from embedder.data.zips import ZipLimits, zip_records
from embedder.errors import ImageError
from likewise.server.formats import refuse
from likewise.server.jobs.store import CSV, ZIP

LIMITS = ZipLimits(entries=200_000, bytes=16 << 30)


def source_records(directory: Path, source: str, name: str) -> Records:
    """Stream the pictures of an upload.

    Args:
        directory: Directory of the upload.
        source: `ZIP`, `CSV` or `LIST`.
        name: The client's name for the upload, with which the ids of a CSV's rows begin.

    Raises:
        DatasetError: If the upload is damaged, or too large.
    """
    path = directory / source
    if source == ZIP:
        return zip_records(path, LIMITS, rule=NO_LABELS).mapped(_uploaded)
    if source == CSV:
        return pixel_records(path, name)
    return table_records(path, "jsonl", labelled=False).mapped(_uploaded)


@dataclass(frozen=True, slots=True)
class _Uploaded:
    """A picture file that a client sent."""

    image: Path | Encoded

    def read_bytes(self) -> bytes:
        """Return the bytes of the file.

        Raises:
            ImageError: If the file cannot be read, or its format is not accepted over HTTP.
        """
        try:
            content = self.image.read_bytes()
        except OSError as error:
            raise ImageError(f"cannot be opened ({error.strerror})") from error
        refuse(content)
        return content


def _uploaded(record: Record) -> Record:
    if isinstance(record.image, np.ndarray | ImageError):
        return record
    return replace(record, image=_Uploaded(record.image))
