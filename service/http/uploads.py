"""An upload of any length to the disk, as it comes: a zip, a CSV, or many files of a form.

A name that a client gives is an id and never a path. Does not look into what comes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from service.http.bodies import MULTIPART, media_type, unsupported
from service.http.errors import invalid, too_large
from service.http.job_store import CSV, FILES, LIST, ZIP

ZIP_TYPES = ("application/zip", "application/x-zip-compressed")
CSV_TYPE = "text/csv"
_BLOCK = 1 << 20  # bytes written at a time, in a thread
_FIELD = "images"


class _Sink(Protocol):
    def write(self, data: bytes) -> object:
        """Take some bytes."""

    def close(self) -> None:
        """Close what is open."""


async def receive(
    request: Request, directory: Path, *, name: str, most: int, seconds: float
) -> tuple[str, str]:
    """Write the body of a request into a directory.

    Args:
        request: Its body is not read yet.
        directory: Empty.
        name: What to call an upload that has no name of its own.
        most: Files, at most.
        seconds: For which the client may send nothing.

    Returns:
        What lies in the directory now, `ZIP`, `CSV` or `LIST`, and what the client calls it.

    Raises:
        ApiError: If the body is none of these, is damaged, or too large.
    """
    kind = media_type(dict(request.scope["headers"]))
    if kind == MULTIPART:
        form = _Form(request.headers["content-type"], directory, most)
        await _drain(request, form, seconds)
        return form.result(name)
    if kind not in (*ZIP_TYPES, CSV_TYPE):
        raise unsupported(kind, (ZIP_TYPES[0], CSV_TYPE, MULTIPART))
    source = CSV if kind == CSV_TYPE else ZIP
    await _drain(request, (directory / source).open("xb"), seconds)
    return source, name


async def _drain(request: Request, sink: _Sink | BinaryIO, seconds: float) -> None:
    try:
        async for block in _blocks(request, seconds):
            await asyncio.to_thread(sink.write, block)
    finally:
        sink.close()


async def _blocks(request: Request, seconds: float) -> AsyncIterator[bytes]:
    """The body in large pieces."""
    parts = request.stream().__aiter__()
    waiting = bytearray()
    while True:
        try:
            async with asyncio.timeout(seconds):
                waiting += await anext(parts)
        except StopAsyncIteration:
            break
        if len(waiting) >= _BLOCK:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


class _Form:
    """Writes the files of a form as they come, and a list of their names."""

    def __init__(self, content_type: str, directory: Path, most: int) -> None:
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if not boundary:
            raise invalid("A form must name its boundary in Content-Type.")
        self._directory = directory
        self._most = most
        self._count = 0
        self._name = ""
        self._ended = False
        self._file: BinaryIO | None = None
        self._header: tuple[bytearray, bytearray] = bytearray(), bytearray()
        self._disposition = b""
        (directory / FILES).mkdir()
        self._list = (directory / LIST).open("x", encoding="utf-8")
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                "on_header_end": self._header_ends,
                "on_headers_finished": self._file_begins,
                "on_part_data": self._data,
                "on_part_end": self._file_ends,
                "on_end": self._form_ends,
            },
        )

    def write(self, data: bytes) -> None:
        """Take some bytes of the form."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise invalid(f"The form cannot be read: {error}.") from error

    def close(self) -> None:
        """Close the files."""
        if self._file is not None:
            self._file.close()
        self._list.close()

    def result(self, name: str) -> tuple[str, str]:
        """What came; a single zip or CSV is not one picture among many."""
        if not self._ended:
            raise invalid("The form is cut off: its last boundary is missing.")
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

    def _part_begins(self) -> None:
        self._disposition = b""
        self._header_ends()

    def _header_ends(self) -> None:
        name, value = self._header
        if bytes(name).lower() == b"content-disposition":
            self._disposition = bytes(value)
        name.clear()
        value.clear()

    def _file_begins(self) -> None:
        _, options = parse_options_header(self._disposition)
        field = options.get(b"name", b"").decode("utf-8", "replace")
        if field != _FIELD or b"filename" not in options:
            raise invalid(
                f"A form must hold files in the field `{_FIELD}` alone. Received: `{field}`."
            )
        if self._count >= self._most:
            raise too_large("The form holds more files", f"{self._most}", "Send several jobs.")
        self._name = options[b"filename"].decode("utf-8", "replace") or "image"
        self._file = self._path(self._count).open("xb")
        row = {"path": f"{FILES}/{self._count:06}", "id": self._name}
        self._list.write(f"{json.dumps(row)}\n")

    def _data(self, data: bytes, start: int, end: int) -> None:
        assert self._file is not None
        self._file.write(data[start:end])

    def _file_ends(self) -> None:
        assert self._file is not None
        self._file.close()
        self._count += 1

    def _form_ends(self) -> None:
        self._ended = True
