"""Parse JSON bodies at a bounded cost.

Names and values are counted before anything is built of them, because each becomes an object many
times its size; validation stops at the first fault; large bodies are parsed off the event loop.
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
from likewise.server.state import ServerState

T = TypeVar("T")

_FREE = 4096  # names and values that any body may hold
_NAMES, _VALUES = 16, 16  # further ones for each picture or vector of a request, beside its numbers
_BYTES_PER_ESCAPE = 32  # at least: some encoders write each / of base64 as \/
_PIECE = 1 << 20  # bytes that are looked through, or decoded, while nothing else runs
_HEAD = 64  # bytes that tell the encoding
_QUICK = 64 << 10  # bytes of a body that takes less time than handing it to a thread
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
    """The limits of a server, by the pictures and vectors that a request may hold."""
    most, dim = state.settings.max_images, state.matcher.gallery.dim
    return JsonLimits(_FREE + most * _NAMES, _FREE + most * (dim + _VALUES))


def check_counts(body: bytes, limits: JsonLimits) -> None:
    """Refuse a body that holds too much, before it is parsed.

    Args:
        body: The JSON, as it came.
        limits: Largest numbers of names and values.

    Raises:
        ApiError: If it does.

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
        hint = "Write characters as UTF-8, and / as it is."
        raise too_large("The JSON holds too many escapes", f"{most} in so many bytes", hint)


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


def parsed(model: Any, given: Any, limits: JsonLimits | None = None, name: str = "body") -> Any:
    """Validate JSON or text against a model or a `TypeAdapter`.

    Args:
        model: The model.
        given: JSON as bytes, or a text.
        limits: How much JSON may hold.
        name: Name of the whole input in errors.

    Raises:
        ApiError: If it is invalid or holds too much; names the first problem.
    """
    kind = model if isinstance(model, TypeAdapter) else TypeAdapter(model)
    try:
        if not isinstance(given, bytes):
            return kind.validate_python(given)
        given = _in_utf_8(given)
        if limits is not None:
            check_counts(given, limits)
        return kind.validate_json(given)
    except ValidationError as error:
        raise first_error(error, name) from error


def _in_utf_8(body: bytes) -> bytes:
    """Take a byte order mark off JSON, and bring UTF-16 to UTF-8."""
    encoding = text_encoding(body[:_HEAD])
    if encoding != UTF_8:
        try:
            return body.decode(encoding).removeprefix("\ufeff").encode()
        except UnicodeError:
            return body  # no JSON in any encoding: it is refused as that
    return body.removeprefix(codecs.BOM_UTF8)


def first_error(error: ValidationError, name: str = "body") -> ApiError:
    """Describe the first problem of `name` in one sentence.

    Args:
        error: What pydantic found.
        name: Name of the whole input in errors.
    """
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, found["loc"])) or name
    return invalid(f"`{where[:200]}`: {found['msg']}.")


def decoded(data: str) -> bytes:
    r"""Decode base64 or a data: URI, as programs write them.

    Line ends and spaces may stand in it, and it may be in the alphabet for URLs, `-` and `_`, which
    mostly comes without `=` at its end. In a URI, characters may be escaped as %2B.

    Raises:
        ApiError: If it is neither.

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
    if len(data) % 4 or "=" in data[:-2]:  # each piece by itself might end so
        raise ValueError("it is cut off, or goes on after its end")
    pieces = (data[start : start + _PIECE] for start in range(0, len(data), _PIECE))
    return b"".join(binascii.a2b_base64(piece, strict_mode=True) for piece in pieces)


def _standard(data: str) -> str:
    """Bring other writers' base64 to the standard form: without spaces, by + and /, padded."""
    of_urls = "-" in data or "_" in data
    data = data.translate(_OTHERS)
    return data + "=" * (-len(data) % 4) if of_urls else data
