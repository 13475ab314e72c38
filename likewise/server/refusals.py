"""What is wrong with bytes that are no request, in one sentence, and as bytes of a response."""

from __future__ import annotations

import re
from http import HTTPStatus

import httptools

from likewise.server.errors import ApiError, invalid

MOST_ADDRESS = 32 << 10  # bytes: an id and a label, each character as twelve bytes, are fewer
MOST_HEAD = 64 << 10  # bytes of the request line and the headers
# The parser stops at a method that it does not know; this is a request but for that.
_OTHERWISE_GOOD = re.compile(rb"[\r\n]*([A-Za-z-]+) [!-~]+ HTTP/1\.[01]\r?\n")
_SHOWN = 30  # characters of a method


def refusal(error: httptools.HttpParserError, data: bytes) -> ApiError:
    r"""The error response for bytes that the parser does not take.

    Args:
        error: The parser's.
        data: The bytes, from where the parser was before them.

    Example:
        >>> error = httptools.HttpParserInvalidMethodError()
        >>> refusal(error, b"FOO /v1/check HTTP/1.1\r\n").message
        'This server knows no method FOO.'
    """
    if isinstance(error.__context__, ApiError):  # raised while it was parsed
        return error.__context__
    if isinstance(error, httptools.HttpParserInvalidMethodError):
        request = _OTHERWISE_GOOD.match(data)
        if request is not None:
            return unknown_method(f"This server knows no method {request[1][:_SHOWN].decode()}.")
    if isinstance(error, httptools.HttpParserInvalidURLError):
        return _malformed(
            "The address of the request holds characters that no address may hold.",
            "Encode them: as UTF-8, then each byte as % and two digits.",
        )
    return _malformed("The request is not valid HTTP/1.1.", "Send it with a client for HTTP/1.1.")


def unknown_method(message: str) -> ApiError:
    """The error response for a method that no path takes.

    Args:
        message: A sentence that names it.
    """
    return ApiError("unknown_method", message)


def address_too_long() -> ApiError:
    """The error response for an address of more than `MOST_ADDRESS` bytes."""
    return ApiError(
        "address_too_long",
        f"The address of the request is too long; this server takes at most {MOST_ADDRESS} bytes.",
    )


def headers_too_large() -> ApiError:
    """The error response for headers that do not end within `MOST_HEAD` bytes."""
    return ApiError(
        "headers_too_large",
        f"The headers of the request are too large; this server takes at most {MOST_HEAD} bytes.",
    )


def written(error: ApiError) -> bytes:
    """An error response as bytes, after which the connection ends.

    Args:
        error: The error.
    """
    body = bytes(error.response().body)
    status = HTTPStatus(error.status_code)
    return (
        b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\nconnection: close\r\n\r\n%b"
        % (status, status.phrase.encode(), len(body), body)
    )


def _malformed(message: str, hint: str) -> ApiError:
    error = invalid(message, hint)
    error.status_code = int(HTTPStatus.BAD_REQUEST)  # for a valid request, `invalid` means 422
    return error
