"""Copy a drawn or written digit as pens, scanners and cameras do, and prepare the copy again.

Each copy passes through the steps that lie between a hand and a file: another stroke width, blur,
few pixels, two levels, ink and paper, noise, a bad crop. Then `digit2` brings it to MNIST's form,
as it will with the pictures that the network is asked about.
"""

from __future__ import annotations

import cv2
import numpy as np

from embedder.preprocessing.digit import as_mnist
from likewise.arrays import Floats, Pixels

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def copied(drawing: Pixels, size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Copy a picture by the whole chain.

    Args:
        drawing: uint8 `(h, w)`, white on black, with black around it.
        size: Height and width of the result.
        rng: Decides every draw.

    Returns:
        uint8 of `size`, white on black.

    Example:
        >>> one = np.zeros((28, 28), np.uint8)
        >>> one[4:24, 13:16] = 255
        >>> copied(one, (28, 28), np.random.default_rng(0)).shape
        (28, 28)
    """
    ink: Floats = np.asarray(drawing, np.float32) / np.float32(255)
    if rng.random() < 0.5:
        ink = _another_pen(ink, rng)
    if rng.random() < 0.7:
        ink = _few_pixels(ink, rng)
    if rng.random() < 0.3:
        ink = np.asarray(ink > rng.uniform(0.3, 0.55) * ink.max(), np.float32)
    return as_mnist(_on_paper(_cropped(ink, rng), rng), size)


def _another_pen(ink: Floats, rng: np.random.Generator) -> Floats:
    """Widen or thin the strokes by a part of a pixel to one."""
    grown = np.asarray(cv2.dilate(ink, _CROSS) if rng.random() < 0.6 else cv2.erode(ink, _CROSS))
    share = np.float32(rng.uniform(0.2, 1))
    return np.asarray(ink + share * (grown - ink))


def _few_pixels(ink: Floats, rng: np.random.Generator) -> Floats:
    """Blur, reduce until a digit is 8 to 30 pixels tall, and enlarge now and then."""
    height, width = ink.shape
    tall = int(cv2.boundingRect((ink > 0.2).astype(np.uint8))[3]) or height
    scale = min(1.0, float(np.exp(rng.uniform(np.log(8), np.log(30)))) / tall)
    if rng.random() < 0.5:
        ink = np.asarray(cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.2, 0.6) / scale))
    small = max(4, round(width * scale)), max(4, round(height * scale))
    reduced = np.asarray(cv2.resize(ink, small, interpolation=cv2.INTER_AREA))
    if rng.random() < 0.4:  # counted, as UCI's were, or printed by few levels
        levels = rng.integers(2, 17)
        reduced = np.rint(reduced * levels) / np.float32(levels)
    if rng.random() < 0.6:
        way = cv2.INTER_CUBIC if rng.random() < 0.7 else cv2.INTER_NEAREST
        factor = rng.uniform(1.2, 4)
        large = round(small[0] * factor), round(small[1] * factor)
        reduced = np.clip(cv2.resize(reduced, large, interpolation=way), 0, 1)
    return np.asarray(reduced, np.float32)


def _cropped(ink: Floats, rng: np.random.Generator) -> Floats:
    """Cut or widen the paper around the ink: from hardly any to as much as the digit again."""
    left, top, width, height = cv2.boundingRect((ink > 0.2).astype(np.uint8))
    if not width:
        return ink
    cut = ink[top : top + height, left : left + width]
    longer = max(width, height)
    above, below, before, after = (int(np.ceil(longer * rng.uniform(0.08, 0.6))) for _ in range(4))
    return np.pad(cut, ((above, below), (before, after)))


def _on_paper(ink: Floats, rng: np.random.Generator) -> Pixels:
    """Lay ink of one grey on paper of another, with noise and a slope of light now and then."""
    paper, strength = rng.uniform(170, 255), rng.uniform(60, 165)
    page = np.full(ink.shape, paper, np.float32)
    if rng.random() < 0.3:
        page += np.linspace(-1, 1, ink.shape[1], dtype=np.float32) * np.float32(rng.uniform(5, 30))
    page -= ink * np.float32(strength)
    if rng.random() < 0.5:
        page += rng.normal(0, rng.uniform(1, 9), ink.shape).astype(np.float32)
    page = np.clip(np.rint(page), 0, 255)
    return np.asarray(page if rng.random() < 0.8 else 255 - page, np.uint8)
