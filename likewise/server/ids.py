"""Reference ids in URL paths: any text, however it is percent-encoded.

The server decodes a path and replaces all invalid UTF-8 by one character, so different ids would
become equal. The framework's own path parameters end at a line break.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from starlette.convertors import PathConvertor, register_url_convertor

from likewise.server.errors import invalid


class _Id(PathConvertor):
    """The rest of a path, including slashes and line breaks."""

    regex = r"[\s\S]*"


register_url_convertor("id", _Id())
ID = "/{id:id}"


def check_utf8(raw_path: bytes) -> None:
    """Refuse a path whose percent-encoded bytes are not UTF-8.

    Raises:
        ApiError: If they are not.

    Example:
        >>> check_utf8(b"/v1/references/%C3%BC.png")
        >>> check_utf8(b"/v1/references/%FC.png")
        Traceback (most recent call last):
        likewise.server.errors.ApiError: 422: The path holds percent-encoded bytes ...
    """
    try:
        unquote_to_bytes(raw_path).decode()
    except UnicodeDecodeError as error:
        raise invalid(
            "The path holds percent-encoded bytes that are not UTF-8.",
            "Encode an id as UTF-8, then percent-encode it.",
        ) from error
