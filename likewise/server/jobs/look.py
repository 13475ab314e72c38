"""Look into an upload before it is accepted, in a process with limits of memory and time.

What a client sends may cost a process many times its size, so the server itself never opens it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from embedder.errors import ArchiveTooLargeError, DatasetError
from likewise.server.errors import ApiError, invalid, too_large
from likewise.server.jobs.store import CSV, LIST, ZIP

_COMMAND = (sys.executable, "-P", "-m", "likewise.server.jobs", "look")
_MEMORY = 1 << 30  # bytes, beside what the process takes when it begins
_SECONDS = 60  # of a processor


async def look_into(directory: Path, source: str, name: str) -> int:
    """Count the pictures of an upload.

    Args:
        directory: Directory of the upload.
        source: `ZIP`, `CSV` or `LIST`.
        name: The client's name for it.

    Raises:
        ApiError: If it cannot be read, or takes too much memory or time.
    """
    note = json.dumps([str(directory), source, name]).encode()
    process = await asyncio.to_thread(_started)
    try:
        answer, _ = await asyncio.to_thread(process.communicate, note)
    except asyncio.CancelledError:  # which ends the thread as well
        process.kill()
        raise
    with suppress(ValueError):
        found = json.loads(answer)
        if "total" in found:
            return int(found["total"])
        error = ArchiveTooLargeError if found["too_large"] else DatasetError
        raise told_of_upload(error(found["reason"]), directory, name)
    raise too_large(
        "The upload takes too much to look into",
        f"{_MEMORY >> 30} GiB of memory and {_SECONDS} s of a processor for it",
        "Split it, or repair it.",
    )


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


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def answer(note: bytes) -> dict[str, Any]:
    """Do what `look_into` asks, in the process that it starts.

    Args:
        note: JSON of its arguments.

    Returns:
        The number of pictures, or why they cannot be read.
    """
    from likewise.server.jobs.sources import source_records

    _limit()
    directory, source, name = json.loads(note)
    try:
        return {"total": source_records(Path(directory), source, name).count() or 0}
    except DatasetError as error:
        return {"reason": str(error), "too_large": isinstance(error, ArchiveTooLargeError)}


def _limit() -> None:
    with suppress(ImportError, OSError, ValueError):  # Windows; a lower limit that holds already
        import resource

        with open("/proc/self/statm") as file:  # only Linux enforces it anyway
            taken = int(file.read().split()[0]) * resource.getpagesize()
        for kind, most in ((resource.RLIMIT_AS, taken + _MEMORY), (resource.RLIMIT_CPU, _SECONDS)):
            resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
