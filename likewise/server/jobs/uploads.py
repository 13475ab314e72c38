"""Stream an upload of any length to disk: a zip, a CSV, or many files of a form.

A client's file name becomes an id, never a path. The content is not examined here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from starlette.requests import Request

from likewise.server.errors import invalid, too_large
from likewise.server.jobs.store import CSV, FILES, LIST, ZIP
from likewise.server.requests.bodies import media_type, unsupported
from likewise.server.requests.forms import MULTIPART, FormParser, no_file

ZIP_TYPES = ("application/zip", "application/x-zip-compressed")
CSV_TYPE = "text/csv"
_BLOCK = 1 << 20  # bytes written at a time, in a thread
_FIELD = "images"


async def receive(request: Request, directory: Path, *, name: str, most: int) -> tuple[str, str]:
    """Write the body of a request into a directory.

    Args:
        request: The request, whose body is not read yet.
        directory: An empty directory.
        name: The name of an upload that brings none.
        most: Maximum number of files.

    Returns:
        The kind of upload, `ZIP`, `CSV` or `LIST`, and the client's name for it.

    Raises:
        ApiError: If the body is of another type, is damaged, or too large.
    """
    kind = media_type(dict(request.scope["headers"]))
    if kind == MULTIPART:
        with (
            closing(_Files(directory, most)) as files,
            closing(FormParser(request.headers["content-type"], files)) as parser,
        ):
            await _drain(request, parser.write)
            parser.finish()
        return files.result(name)
    if kind not in (*ZIP_TYPES, CSV_TYPE):
        raise unsupported(kind, (ZIP_TYPES[0], CSV_TYPE, MULTIPART))
    source = CSV if kind == CSV_TYPE else ZIP
    with (directory / source).open("xb") as file:
        await _drain(request, file.write)
    return source, name


async def _drain(request: Request, write: Callable[[bytes], object]) -> None:
    async for block in _blocks(request):
        await asyncio.to_thread(write, block)


async def _blocks(request: Request) -> AsyncIterator[bytes]:
    """The body in large pieces."""
    waiting = bytearray()
    async for part in request.stream():
        waiting += part
        if len(waiting) >= _BLOCK:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


class _Files:
    """Writes the files of a form while they are received, and a list of their names."""

    def __init__(self, directory: Path, most: int) -> None:
        self._directory = directory
        self._most = most
        self._count = 0
        self._name = ""
        self._file: BinaryIO | None = None
        (directory / FILES).mkdir()
        self._list = (directory / LIST).open("x", encoding="utf-8")

    def begin(self, field: str, filename: str | None) -> None:
        """Start a file; the form may contain nothing else."""
        if field != _FIELD:
            raise invalid(
                f"A form must hold files in the field `{_FIELD}` alone. Received: `{field}`."
            )
        if filename is None:
            raise no_file(field)
        if self._count >= self._most:
            raise too_large("The form holds more files", f"{self._most}", "Send several jobs.")
        self._name = filename or "image"
        self._file = self._path(self._count).open("xb")
        row = {"path": f"{FILES}/{self._count:06}", "id": self._name}
        self._list.write(f"{json.dumps(row)}\n")

    def data(self, data: bytes) -> None:
        """Append data."""
        assert self._file is not None
        self._file.write(data)

    def end(self) -> None:
        """Finish a part."""
        assert self._file is not None
        self._file.close()
        self._count += 1

    def close(self) -> None:
        """Close the files."""
        if self._file is not None:
            self._file.close()
        self._list.close()

    def result(self, name: str) -> tuple[str, str]:
        """The kind of upload; a single zip or CSV is not a list of one picture."""
        if not self._count:
            raise invalid(f"The form holds no file in the field `{_FIELD}`.", "Send at least one.")
        for source in (ZIP, CSV):
            if self._count == 1 and self._name.lower().endswith(Path(source).suffix):
                self._path(0).rename(self._directory / source)
                (self._directory / LIST).unlink()
                return source, self._name
        return LIST, name

    def _path(self, place: int) -> Path:
        return self._directory / FILES / f"{place:06}"
