"""Parse JSON bodies at a bounded cost.

Names and values are counted before parsing, because each becomes an object many times its size;
validation stops at the first fault; large bodies are parsed off the event loop.
"""

from __future__ import annotations

import asyncio
import binascii
import codecs
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import unquote

from pydantic import TypeAdapter, ValidationError

from embedder.data.encodings import UTF_8, text_encoding
from likewise.server.errors import ApiError, invalid, too_large
from likewise.server.requests.faults import fault
from likewise.server.state import ServerState

T = TypeVar("T")

_FREE = 4096  # names and values that any body may hold
_NAMES, _VALUES = 16, 16  # further ones for each picture or vector of a request, beside its numbers
_BYTES_PER_ESCAPE = 32  # at least: some encoders write each / of base64 as \/
_PIECE = 1 << 20  # bytes that are counted, or decoded, without letting other requests in
_HEAD = 64  # bytes that tell the encoding
_QUICK = 64 << 10  # bytes of a body that is parsed in less time than a thread takes to start
_SEVERAL = "Send several requests."
_BASE64 = "Send the bytes of the file in base64 (RFC 4648), padded with =."
_OTHERS = str.maketrans("-_", "+/", " \t\r\n\f\v\ufeff")


@dataclass(frozen=True, slots=True)
class JsonLimits:
    """How much a JSON body may hold.

    Attributes:
        names: Names of fields; colons are counted, those in texts too.
        values: Values; commas and opening brackets are counted.
    """

    names: int
    values: int


def limits_of(state: ServerState) -> JsonLimits:
    """The limits of a server, from the number of pictures or vectors that a request may hold."""
    most, dim = state.settings.max_images, state.matcher.gallery.dim
    return JsonLimits(_FREE + most * _NAMES, _FREE + most * (dim + _VALUES))


def check_counts(body: bytes, limits: JsonLimits) -> None:
    """Refuse a body that holds too much, before it is parsed.

    Args:
        body: The JSON, not yet parsed.
        limits: Largest numbers of names and values.

    Raises:
        ApiError: If the body exceeds a limit.

    Example:
        >>> check_counts(b'{"ids": [1, 2, 3]}', JsonLimits(names=1, values=3))
        Traceback (most recent call last):
        likewise.server.errors.ApiError: 413: The JSON holds too many values; this server takes ...
    """
    names = values = escapes = 0
    for start in range(0, len(body), _PIECE):
        piece = body[start : start + _PIECE]
        names += piece.count(b":")
        values += piece.count(b",") + piece.count(b"[") + piece.count(b"{")
        escapes += piece.count(b"\\")
        if names > limits.names:
            raise too_large("The JSON holds too many names", str(limits.names), _SEVERAL)
        if values > limits.values:
            raise too_large("The JSON holds too many values", str(limits.values), _SEVERAL)
    most = _FREE + len(body) // _BYTES_PER_ESCAPE
    if escapes > most:
        hint = "Write characters as UTF-8, and / without a backslash."
        length = f"{most} in a body of {len(body)} bytes"
        raise too_large("The JSON holds too many escapes", length, hint)


async def off_loop(body: bytes, function: Callable[..., T], *arguments: Any) -> T:
    """Call a function on a body and further arguments, in a thread if the body is large.

    Args:
        body: Its first argument.
        function: Parses the body.
        arguments: Its other arguments.
    """
    if len(body) <= _QUICK:
        return function(body, *arguments)
    return await asyncio.to_thread(partial(function, body, *arguments))


def parsed(model: Any, content: Any, limits: JsonLimits | None = None, name: str = "body") -> Any:
    """Validate JSON or text against a model or a `TypeAdapter`.

    Args:
        model: The model.
        content: JSON as bytes, or a text.
        limits: How much JSON may hold.
        name: Name of the whole input in errors.

    Raises:
        ApiError: If the input is invalid or holds too much; names the first fault.
    """
    kind = model if isinstance(model, TypeAdapter) else TypeAdapter(model)
    try:
        if not isinstance(content, bytes):
            return kind.validate_python(content)
        content = _in_utf_8(content)
        if limits is not None:
            check_counts(content, limits)
        return kind.validate_json(content)
    except ValidationError as error:
        raise first_error(error, name) from error


def _in_utf_8(body: bytes) -> bytes:
    """JSON as UTF-8 without a byte order mark, from UTF-8 or UTF-16."""
    encoding = text_encoding(body[:_HEAD])
    if encoding != UTF_8:
        try:
            return body.decode(encoding).encode()
        except UnicodeError:
            return body  # the parser refuses it as invalid JSON
    return body.removeprefix(codecs.BOM_UTF8)


def first_error(error: ValidationError, name: str = "body") -> ApiError:
    """The error response for the first fault of an input.

    Args:
        error: The faults, as pydantic reports them.
        name: Name of the whole input in the message.
    """
    details = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, details["loc"])) or name
    return invalid(fault(where[:200], details))


def decoded(data: str) -> bytes:
    r"""Decode base64 or a data: URI, as programs write them.

    Line ends and spaces are ignored, and the alphabet for URLs (`-` and `_`) is read too, which
    mostly comes without `=` at its end. In a URI, characters may be escaped as %2B.

    Raises:
        ApiError: If the text is neither.

    Example:
        >>> decoded("aGk="), decoded("data:image/png;base64,aGk%3D"), decoded("aGk_-w")
        (b'hi', b'hi', b'hi?\xfb')
    """
    if data[:5].lower() == "data:":
        head, _, data = data.partition(",")
        if not head.lower().rstrip().endswith(";base64"):
            raise invalid("A data: URI must be base64.", "data:image/png;base64,...")
        if "%" in data:
            data = unquote(data)
    try:
        return _from_base64(data)
    except (binascii.Error, ValueError):
        pass
    try:
        return _from_base64(_standard(data))
    except (binascii.Error, ValueError) as error:
        raise invalid(f"`data` must be base64: {error}.", _BASE64) from error


def _from_base64(data: str) -> bytes:
    if len(data) % 4 or "=" in data[:-2]:  # a piece of it might pass, ending where it is cut
        raise ValueError("it is truncated, or continues after its end")
    pieces = (data[start : start + _PIECE] for start in range(0, len(data), _PIECE))
    return b"".join(binascii.a2b_base64(piece, strict_mode=True) for piece in pieces)


def _standard(data: str) -> str:
    """Base64 of other writers in the standard form: without spaces, with + and /, padded."""
    of_urls = "-" in data or "_" in data
    data = data.translate(_OTHERS)
    return data + "=" * (-len(data) % 4) if of_urls else data
