"""Convert a caller's Pillow images to uint8 pixels."""

from __future__ import annotations

from PIL import Image

from embedder.data.images import damage
from embedder.data.modes import upright_pixels
from embedder.errors import ImageError
from likewise.arrays import Pixels


def pillow_pixels(image: Image.Image) -> Pixels:
    """Convert a Pillow image, to the same bits that `read_image` makes of its file.

    It is decoded in this process, without the limits that `read_image` puts on files.

    Args:
        image: Image of any mode; it stays open.

    Returns:
        uint8 `(h, w)` for a grey picture, `(h, w, 3)` RGB for any other.

    Raises:
        ImageError: If it is truncated or damaged, or was closed before it was read.

    Example:
        >>> pillow_pixels(Image.new("L", (2, 1), 200))
        array([[200, 200]], dtype=uint8)
    """
    if getattr(image, "tile", None) and getattr(image, "fp", None) is None:
        raise ImageError("its file was closed before it was read")
    try:
        image.load()
        return upright_pixels(image)
    except ImageError:
        raise
    except Exception as error:  # damaged files make Pillow's decoders raise nearly anything
        raise ImageError(damage(error)) from error
