"""Which picture formats are read over HTTP."""

from __future__ import annotations

from embedder.data.formats import COMMON, format_of, is_common, refuse_drawing, without_lead
from embedder.data.images import unread
from embedder.errors import FormatError, ImageError


def refuse(content: bytes) -> None:
    """Refuse a file that is not a picture, or whose format is not read over HTTP.

    Args:
        content: Bytes of the file.

    Raises:
        ImageError: If it is no picture.
        FormatError: If it is one in a format that is not read over HTTP.
    """
    name = format_of(content) or format_of(without_lead(content))
    if name is None:
        raise ImageError(unread(content))
    refuse_drawing(name)
    if not is_common(name):
        raise FormatError(f"{name} is not read over HTTP: send {', '.join(COMMON)}")
