"""Small files that are expensive to decode, and files of every format that can be written."""

from __future__ import annotations

import io

from PIL import Image


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """A picture as the bytes of a file."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def repeated_scans(side: int, scans: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again: each is a pass over all of it."""
    whole = encoded(Image.new("L", (side, side), 255), "JPEG", progressive=True, quality=50)
    last = whole[whole.rindex(b"\xff\xda") : -2]
    return whole[:-2] + (scans - whole.count(b"\xff\xda")) * last + b"\xff\xd9"
