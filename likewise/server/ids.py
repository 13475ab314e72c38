"""Ids of references in paths: any text, and the same one for every way to write it.

A path's bytes are percent-decoded by the server, which puts one sign in place of all that is no
UTF-8: names that differ there would be one. And the framework's own paths end at a line break.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from starlette.convertors import PathConvertor, register_url_convertor

from likewise.server.errors import invalid


class _Id(PathConvertor):
    """The rest of a path, slashes and line breaks too."""

    regex = r"[\s\S]*"


register_url_convertor("id", _Id())
ID = "/{id:id}"


def check_utf8(raw_path: bytes) -> None:
    """Refuse a path whose percent-encoded bytes are no UTF-8.

    Raises:
        ApiError: If they are none.

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
