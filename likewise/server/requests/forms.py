"""Streaming parser of `multipart/form-data`: complete, in UTF-8, with known fields only.

Passes each part to a receiver. Does not write files (`uploads`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from likewise.server.errors import ApiError, invalid, too_large

# Its error of a damaged form is the client's, who is told; it would be logged as a warning too.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)

MULTIPART = "multipart/form-data"
_LONGEST_TYPE = 1000  # characters of a Content-Type: to parse it takes the square of its length
_MOST_TEXTS = 2  # of one field that are read: one more than may be there
# A name as RFC 8187 encodes it. Forms should not have it (RFC 7578, 4.2), but urllib3 1, under many
# a `requests`, writes any name beyond ASCII so.
_ENCODED_NAME = re.compile(rb"""; *filename\*="?utf-8'[^']*'([^";]*)""", re.IGNORECASE)


class Receiver(Protocol):
    """Receives the parts of a form, one after the other."""

    def begin(self, field: str, filename: str | None) -> None:
        """Start a part; it is text if it has no file name.

        Args:
            field: Name of the field.
            filename: Name of the file, or None for a text.
        """

    def data(self, data: bytes) -> None:
        """Append data."""

    def end(self) -> None:
        """Finish a part."""


class FormParser:
    """Splits a form into its parts.

    Args:
        content_type: Content-Type header of the request.
        receiver: Receives the parts.

    Raises:
        ApiError: If the form has no boundary, or an encoding other than UTF-8, or says so in more
            than 1,000 characters.
    """

    def __init__(self, content_type: str, receiver: Receiver) -> None:
        if len(content_type) > _LONGEST_TYPE:
            raise invalid(
                f"The Content-Type of a form must have at most {_LONGEST_TYPE} characters. "
                f"Received: {len(content_type)}.",
                "Send its type and its boundary alone.",
            )
        _, options = parse_options_header(content_type)
        charset = options.get(b"charset", b"utf-8").decode("latin-1")
        if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
            message = f"A form must be in UTF-8. Received: {charset[:100]}."
            raise ApiError("unsupported_media_type", message, "Write its text as UTF-8.")
        if not options.get(b"boundary"):
            raise invalid("A form must name its boundary in Content-Type.")
        self._receiver = receiver
        self._field, self._value = bytearray(), bytearray()  # of a header
        self._disposition = b""
        self._ended = False
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": lambda data, start, end: receiver.data(data[start:end]),
                    "on_part_end": receiver.end,
                    "on_end": self._form_ends,
                },
            )
        except FormParserError as error:
            raise _unreadable(error) from error

    def write(self, data: bytes) -> None:
        """Feed bytes of the form.

        Raises:
            ApiError: If they are not a valid form.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _unreadable(error) from error

    def finish(self) -> None:
        """Refuse an incomplete form."""
        if not self._ended:
            raise invalid("The form is truncated: its last boundary is missing.")

    def close(self) -> None:
        """Break the reference cycle with the receiver."""
        del self._parser

    def _part_begins(self) -> None:
        self._disposition = b""

    def _header_ends(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise invalid("The form cannot be read: a part of it has no name.")
        filename = options.get(b"filename", _encoded_name(self._disposition))
        self._receiver.begin(
            text_of("name", options[b"name"]),
            None if filename is None else text_of("filename", filename),
        )

    def _form_ends(self) -> None:
        self._ended = True


def _encoded_name(disposition: bytes) -> bytes | None:
    found = _ENCODED_NAME.search(disposition)
    return None if found is None else unquote_to_bytes(found[1])


def _unreadable(error: FormParserError) -> ApiError:
    return invalid(f"The form cannot be read: {error}.")


def no_file(field: str) -> ApiError:
    """The error of a part without a file name where a file is expected.

    Args:
        field: Name of the field.
    """
    return invalid(f"The field `{field}` must hold a file: give its part a filename.")


def text_of(what: str, content: bytes) -> str:
    """Decode UTF-8 strictly: replacing invalid bytes could yield another name.

    Args:
        what: What the bytes are, for the error.
        content: The bytes.
    """
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise invalid(f"`{what}` must be UTF-8.") from error


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """A file of a form.

    Attributes:
        name: The client's file name; may be empty.
        content: Its bytes.
    """

    name: str
    content: bytes


class Form:
    """The files and texts of a form, in memory.

    Args:
        files: Fields that may hold files.
        texts: Fields that may hold text.
        most: Maximum number of files.
    """

    def __init__(self, files: Collection[str], texts: Collection[str], most: int) -> None:
        self._files: dict[str, list[File]] = {field: [] for field in files}
        self._texts: dict[str, list[bytes]] = {field: [] for field in texts}
        self._most = most
        self._field = ""
        self._filename: str | None = None
        self._content: list[bytes] = []

    def files(self, field: str) -> list[File]:
        """The files of a field, in their order."""
        return self._files[field]

    def text(self, field: str, default: bytes | None = None) -> str:
        """The text of a field.

        Args:
            field: Name of the field.
            default: Value of a field that is missing; None where it must be there.

        Raises:
            ApiError: If it occurs twice, is missing without a default, or is not text.
        """
        values = self._texts[field]
        if not values and default is not None:
            values = [default]
        if len(values) != 1:
            raise invalid(f"The form must hold the field `{field}` once.")
        return text_of(field, values[0])

    def begin(self, field: str, filename: str | None) -> None:
        """Start a part.

        Args:
            field: Name of the field.
            filename: Name of the file, or None for a text.
        """
        if field not in (self._texts if filename is None else self._files):
            if field in self._files:
                raise no_file(field)
            known = ", ".join([*(f"{name} (files)" for name in self._files), *self._texts])
            raise invalid(f"A form here may have these fields: {known}. Received: {field[:100]}.")
        if filename is None and len(self._texts[field]) >= _MOST_TEXTS:
            raise invalid(f"The form must hold the field `{field}` once.")
        if filename is not None and sum(map(len, self._files.values())) >= self._most:
            raise too_large("The form holds too many files", str(self._most))
        self._field, self._filename = field, filename

    def data(self, data: bytes) -> None:
        """Append data."""
        self._content.append(data)

    def end(self) -> None:
        """Finish a part."""
        content = b"".join(self._content)
        self._content.clear()
        if self._filename is None:
            self._texts[self._field].append(content)
        else:
            self._files[self._field].append(File(self._filename, content))


async def read_form(
    request: Request, files: Collection[str], texts: Collection[str] = (), *, most: int
) -> Form:
    """Read a form into memory; `gate` stops one that is too large.

    Args:
        request: Its body is not read yet.
        files: Fields that may hold files.
        texts: Fields that may hold text.
        most: Maximum number of files.

    Raises:
        ApiError: If it is incomplete, has too many files, or an unknown field.
    """
    form = Form(files, texts, most)
    with closing(FormParser(request.headers["content-type"], form)) as parser:
        async for block in request.stream():
            parser.write(block)
        parser.finish()
    return form
