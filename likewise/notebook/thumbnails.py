"""Small pictures as `data:` addresses, so that a notebook holds all that it shows."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np

from likewise.arrays import Pixels

if TYPE_CHECKING:
    from PIL import Image

SIDE = 64  # pixels; a larger picture is scaled down
_LARGE = 3000  # bytes of a PNG from which a photograph is better kept as JPEG


def thumbnail(picture: Pixels) -> str:
    """Encode a picture, scaled to at most `SIDE` pixels, as a `data:` address of a few kilobytes.

    Args:
        picture: uint8, `(h, w)`, `(h, w, 1)` or `(h, w, 3)`.

    Example:
        >>> thumbnail(np.zeros((28, 28), np.uint8))[:22]
        'data:image/png;base64,'
    """
    from PIL import Image

    flat = picture[..., 0] if picture.shape[2:] == (1,) else picture
    image = Image.fromarray(np.ascontiguousarray(flat))
    image.thumbnail((SIDE, SIDE))
    content = _encoded(image, "PNG", optimize=True)
    kind = "png"
    if len(content) > _LARGE:
        content, kind = _encoded(image, "JPEG", quality=80), "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _encoded(image: Image.Image, format: str, **options: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()
