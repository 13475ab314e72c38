"""Count the pictures of uploads before accepting them, in processes with limited memory and time.

Opening an upload may take many times its size in memory, so the server itself never opens one.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from embedder.decoders.pool import ProcessPool
from embedder.decoders.process import EndedError
from embedder.errors import ArchiveTooLargeError, DatasetError
from likewise.server.errors import ApiError, invalid, too_large
from likewise.server.jobs.store import CSV, LIST, ZIP

_PROGRAM = ("likewise.server.jobs", "look")
_AT_ONCE = 2  # uploads
_MEMORY = 1 << 30  # bytes, in addition to what the process takes at its start
_SECONDS = 60.0  # processor time


class UploadInspector:
    """Counts the pictures of uploads, two at a time, in processes that are reused."""

    def __init__(self) -> None:
        self._pool = ProcessPool(_PROGRAM, _AT_ONCE, _SECONDS, _MEMORY, polite=True)
        self._turns = asyncio.Semaphore(_AT_ONCE)  # or waiting uploads would hold threads

    async def count(self, directory: Path, source: str, name: str) -> int:
        """Count the pictures of an upload.

        Args:
            directory: Directory of the upload.
            source: `ZIP`, `CSV` or `LIST`.
            name: The client's name for the upload.

        Raises:
            ApiError: If the upload cannot be read, or takes too much memory or time.
        """
        note = {"directory": str(directory), "source": source, "name": name}
        async with self._turns:
            try:
                result, _ = await asyncio.to_thread(self._pool.ask, note)
            except EndedError:
                raise too_large(
                    "Opening the upload takes too much memory or time",
                    f"{_MEMORY >> 30} GiB of memory and {_SECONDS:g} s of processor time",
                    "Split it, or repair it.",
                ) from None
        if "total" in result:
            return int(result["total"])
        error = ArchiveTooLargeError if result["too_large"] else DatasetError
        raise upload_error(error(result["reason"]), directory, name)

    def close(self) -> None:
        """End the processes; uploads that they are counting are refused."""
        self._pool.close()


def upload_error(error: DatasetError, directory: Path, name: str) -> ApiError:
    """The error response for an unreadable upload, under the client's name for it.

    Args:
        error: Why the upload cannot be read.
        directory: Directory of the upload; the response does not name it.
        name: The client's name for the upload.
    """
    text = str(error)
    for source in (ZIP, CSV, LIST):
        text = text.replace(str(directory / source), name)
    if isinstance(error, ArchiveTooLargeError):
        return ApiError("too_large", text, "Split it into several jobs.")
    return invalid(text, "Send a zip of pictures, a CSV of pixels, or the pictures themselves.")


def answer(note: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    """Count the pictures of an upload, in a process of `UploadInspector`.

    Args:
        note: The arguments of `UploadInspector.count`.
        body: Empty.

    Returns:
        The number of pictures, or why they cannot be read; and an empty body.
    """
    from likewise.server.jobs.sources import source_records

    directory, source, name = Path(note["directory"]), note["source"], note["name"]
    try:
        return {"total": source_records(directory, source, name).count() or 0}, b""
    except DatasetError as error:
        too_large = isinstance(error, ArchiveTooLargeError)
        return {"reason": str(error), "too_large": too_large}, b""
