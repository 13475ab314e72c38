"""Look into uploads before they are accepted, in processes with limits of memory and time.

What a client sends may cost a process many times its size, so the server itself never opens it.
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
_MEMORY = 1 << 30  # bytes, beside what the process takes when it begins
_SECONDS = 60.0  # of a processor


class UploadInspector:
    """Counts the pictures of uploads, two at a time, in processes that are kept for the next."""

    def __init__(self) -> None:
        self._pool = ProcessPool(_PROGRAM, _AT_ONCE, _SECONDS, _MEMORY, polite=True)
        self._turns = asyncio.Semaphore(_AT_ONCE)  # a thread that waits is one less for others

    async def count(self, directory: Path, source: str, name: str) -> int:
        """Count the pictures of an upload.

        Args:
            directory: Directory of the upload.
            source: `ZIP`, `CSV` or `LIST`.
            name: The client's name for it.

        Raises:
            ApiError: If it cannot be read, or takes too much memory or time.
        """
        note = {"directory": str(directory), "source": source, "name": name}
        async with self._turns:
            try:
                result, _ = await asyncio.to_thread(self._pool.ask, note)
            except EndedError:
                raise too_large(
                    "The upload takes too much to look into",
                    f"{_MEMORY >> 30} GiB of memory and {_SECONDS:g} s of a processor for it",
                    "Split it, or repair it.",
                ) from None
        if "total" in result:
            return int(result["total"])
        error = ArchiveTooLargeError if result["too_large"] else DatasetError
        raise told_of_upload(error(result["reason"]), directory, name)

    def close(self) -> None:
        """End the processes; what they look into is refused."""
        self._pool.close()


def told_of_upload(error: DatasetError, directory: Path, name: str) -> ApiError:
    """The error for an unreadable upload, with the client's name for it.

    Args:
        error: Why the upload cannot be read.
        directory: Where it lies; not named in the response.
        name: What the client calls it.
    """
    text = str(error)
    for source in (ZIP, CSV, LIST):
        text = text.replace(str(directory / source), name)
    if isinstance(error, ArchiveTooLargeError):
        return ApiError("too_large", text, "Split it into several jobs.")
    return invalid(text)


def answer(note: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    """Count the pictures of an upload, in a process of `UploadInspector`.

    Args:
        note: The arguments of `UploadInspector.count`.
        body: Nothing.

    Returns:
        The number of pictures, or why they cannot be read; and nothing more.
    """
    from likewise.server.jobs.sources import source_records

    directory, source, name = Path(note["directory"]), note["source"], note["name"]
    try:
        return {"total": source_records(directory, source, name).count() or 0}, b""
    except DatasetError as error:
        too_large = isinstance(error, ArchiveTooLargeError)
        return {"reason": str(error), "too_large": too_large}, b""
