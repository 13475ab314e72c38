"""Pictures with transparency, laid on paper on which what is visible can be seen.

The paper is white, or black where white would hide the picture. An alpha channel that is the same
everywhere shows nothing, and is ignored: 0 was never filled in, and another value only fades.
"""

from __future__ import annotations

import numpy as np

from embedder.data.value_range import bands
from likewise.arrays import Bools, Pixels

_NEARLY_WHITE = 230  # visible pixels that are all lighter than this would vanish on white
_LIGHT = 128
_FAINT = 16  # an alpha channel that ends here holds 0 and 1, or the like, in place of 0 and 255
_HIDDEN = 32  # grey levels: a picture that spans no more cannot be seen


def flattened(colours: Pixels, alpha: Pixels, key: float | None = None) -> Pixels:
    """Lay a picture on white or black paper.

    Args:
        colours: uint8 `(h, w, c)`.
        alpha: uint8 `(h, w)`; 0 is transparent.
        key: Brightness of the one colour that the file names as transparent, 0 to 255; None where
            there is an alpha channel.

    Returns:
        uint8 `(h, w, c)`.

    Example:
        >>> ink = np.full((1, 2, 1), 255, np.uint8)
        >>> flattened(ink, np.array([[255, 0]], np.uint8)).ravel().tolist()
        [255, 0]
    """
    most = int(alpha.max(initial=0))
    if most == int(alpha.min(initial=most)):
        return colours
    if most <= _FAINT:
        alpha = (alpha.astype(np.uint16) * 255 // most).astype(np.uint8)
    pixels, alphas = colours.reshape(-1, colours.shape[-1]), alpha.reshape(-1, 1)
    opaque = alphas[:, 0] > (127 if most <= _FAINT else min(127, most // 2))
    paper = _paper(pixels, opaque, key)
    flat = _laid(pixels, alphas, paper)
    if paper and not opaque.all() and int(flat.max()) - int(flat.min()) <= _HIDDEN:
        flat = _laid(pixels, alphas, 0)
    return flat.reshape(colours.shape)


def _paper(pixels: Pixels, opaque: Bools, key: float | None) -> int:
    """Choose white, 255, or black, 0."""
    visible = pixels[opaque]
    if opaque.all() or not visible.size:
        return 255
    if key is not None and key < _LIGHT:  # the soft edges of white ink on black are dark
        return 0 if visible.mean(axis=1).max() >= _LIGHT else 255
    return 0 if visible.min() > _NEARLY_WHITE else 255


def _laid(pixels: Pixels, alphas: Pixels, paper: int) -> Pixels:
    flat = np.empty_like(pixels)
    for band in bands(len(pixels)):
        colour, alpha = pixels[band].astype(np.uint16), alphas[band].astype(np.uint16)
        flat[band] = (colour * alpha + paper * (255 - alpha) + 127) // 255
    return flat
