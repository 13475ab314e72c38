"""Fit pictures of any size and colour to a network's input shape.

Which way is used is part of a model and of its fingerprint:

- `resize` keeps the aspect and pads with the colour of the border;
- `stretch` loses the aspect, `crop` the edges (`fitting.py`);
- `digit2` makes any drawn, scanned or photographed digit look like MNIST's (`digit.py`);
- `digit` did so in version 0.1.0, by other steps that are gone: of models that name it, only
  pictures that need no preparation can still be embedded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from embedder.errors import PreparationError

PREPROCESSINGS: tuple[str, ...] = ("digit2", "resize", "stretch", "crop")

_GONE = "digit"
_BLACK = 25  # of 255 grey levels: up to here a pixel of the border is black, as MNIST's are
_LUMA = np.array([77, 150, 29], np.uint32)  # ITU-R 601 luma weights, in 256ths


def prepare(
    images: Sequence[np.ndarray] | np.ndarray, preprocessing: str, shape: tuple[int, ...]
) -> np.ndarray:
    """Fit pictures to a network's input shape.

    A picture that already has this form costs next to nothing and comes back to the bit:
    for all but `digit2` any picture of the right shape, for `digit2` one of the right size whose
    outermost pixels are mostly black, as MNIST's are. A blank picture stays blank.

    Args:
        images: Pictures of any size, each uint8 `(h, w)` grey or `(h, w, 3)` RGB; a list,
            or one array `(n, h, w[, 3])`. Left unchanged.
        preprocessing: One of `PREPROCESSINGS`, or `digit`, for pictures that are ready.
        shape: What the network takes: `(h, w)` grey or `(h, w, 3)` RGB.

    Returns:
        uint8 `(n, *shape)`; it may share memory with `images`.

    Raises:
        ValueError: If the preprocessing is unknown, or a picture is not uint8 grey or RGB.
        PreparationError: If the preprocessing is `digit` and a picture is not ready.

    Example:
        >>> import numpy as np
        >>> prepare([np.zeros((64, 48, 3), np.uint8)], "resize", (28, 28)).shape
        (1, 28, 28)
    """
    if preprocessing not in (*PREPROCESSINGS, _GONE):
        raise ValueError(
            f"`preprocessing` must be one of {', '.join(PREPROCESSINGS)}. "
            f"Received: {preprocessing!r}"
        )
    if len(shape) not in (2, 3) or shape[2:] not in ((), (3,)):
        raise ValueError(f"`shape` must be (h, w) or (h, w, 3). Received: {shape}")
    batch = _stacked(images, shape)
    if batch is not None and (not _is_for_digits(preprocessing) or _white_on_black(batch).all()):
        return batch
    out = np.empty((len(images), *shape), np.uint8)
    for row, image in enumerate(images):
        _check(image)
        out[row] = _one(image, preprocessing, shape)
    return out


def are_ready(
    images: Sequence[np.ndarray] | np.ndarray, preprocessing: str, shape: tuple[int, ...]
) -> list[bool]:
    """Tell for each picture whether it has the form that a network takes, grey or in colours.

    Preparing it then costs next to nothing.

    Args:
        images: As for `prepare`.
        preprocessing: One of `PREPROCESSINGS`.
        shape: What the network takes.

    Example:
        >>> import numpy as np
        >>> are_ready([np.zeros((28, 28), np.uint8), np.zeros((9, 9), np.uint8)], "digit", (28, 28))
        [True, False]
    """
    batch = _stacked(images, shape)
    if batch is not None:
        if not _is_for_digits(preprocessing):
            return [True] * len(batch)
        ready: list[bool] = _white_on_black(batch).tolist()
        return ready
    return [_is_ready(image, preprocessing, shape) for image in images]


def _is_ready(image: np.ndarray, preprocessing: str, shape: tuple[int, ...]) -> bool:
    if image.shape[:2] != shape[:2]:
        return False
    if not _is_for_digits(preprocessing):
        return True
    return bool(_white_on_black(_in_colours(image, shape)[None])[0])


def refusal(image: np.ndarray, preprocessing: str, shape: tuple[int, ...]) -> str | None:
    """Say why a picture cannot be prepared: it is not ready, and `digit` is gone.

    Args:
        image: uint8 `(h, w)` or `(h, w, 3)`.
        preprocessing: What the model names.
        shape: What the network takes.

    Example:
        >>> import numpy as np
        >>> refusal(np.zeros((28, 28), np.uint8), "digit", (28, 28)) is None
        True
    """
    if preprocessing != _GONE or _is_ready(image, preprocessing, shape):
        return None
    return (
        f"the gallery's model prepares pictures by `{_GONE}`, which version 0.1.0 had: only "
        f"pictures of {shape[0]} x {shape[1]} pixels, white on black, can be embedded by it. Give "
        "the gallery the digits model of today: likewise upgrade GALLERY --model digits PICTURES"
    )


def holds_lock(preprocessing: str) -> bool:
    """Whether preparing small pictures holds Python's lock nearly all of the time.

    Args:
        preprocessing: One of `PREPROCESSINGS`, or `digit`.
    """
    return _is_for_digits(preprocessing)


def _is_for_digits(preprocessing: str) -> bool:
    return preprocessing in ("digit2", _GONE)


def _stacked(
    images: Sequence[np.ndarray] | np.ndarray, shape: tuple[int, ...]
) -> np.ndarray | None:
    """The pictures as one array if all have the target shape, else None."""
    if isinstance(images, np.ndarray):
        return images if images.dtype == np.uint8 and images.shape[1:] == shape else None
    if not images:
        return np.empty((0, *shape), np.uint8)
    if all(image.shape == shape and image.dtype == np.uint8 for image in images):
        return images[0][None] if len(images) == 1 else np.stack(images)
    return None


def _check(image: np.ndarray) -> None:
    right = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if not right or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(
            "Each picture must be uint8 of shape (h, w) or (h, w, 3). "
            f"Received: {image.dtype} of shape {image.shape}"
        )


def _one(image: np.ndarray, preprocessing: str, shape: tuple[int, ...]) -> np.ndarray:
    """Fit one checked picture to `shape`, or to a shape that broadcasts to it."""
    if not _is_for_digits(preprocessing):
        return _fitted(_in_colours(image, shape), preprocessing, (shape[0], shape[1]))
    if image.shape[:2] == shape[:2]:
        plain = _in_colours(image, shape)
        if _white_on_black(plain[None])[0]:
            return plain
    if reason := refusal(image, preprocessing, shape):
        raise PreparationError(reason)
    from embedder.preprocessing.digit import as_mnist

    digit = as_mnist(image, (shape[0], shape[1]))
    return digit if len(shape) == 2 else digit[..., None]


def _fitted(image: np.ndarray, preprocessing: str, size: tuple[int, int]) -> np.ndarray:
    if preprocessing == "resize":
        return resize(image, size)
    from embedder.preprocessing import fitting

    return fitting.stretch(image, size) if preprocessing == "stretch" else fitting.crop(image, size)


def _white_on_black(images: np.ndarray) -> np.ndarray:
    """Whether most outermost pixels are black, for each picture `(n, h, w[, 3])`."""
    count, height, width, *channels = images.shape
    pixels = images.reshape(count, height * width, *channels)
    light = pixels[:, _border(height, width)] > _BLACK
    size = math.prod(light.shape[1:])
    return np.asarray(light.sum(axis=tuple(range(1, light.ndim))) * 2 < size)


@lru_cache(maxsize=16)
def _border(height: int, width: int) -> np.ndarray:
    """Places of the outermost pixels, row by row; twice where the first row is also the last."""
    places = np.arange(height * width).reshape(height, width)
    sides = (places[0, 1:-1], places[-1, 1:-1], places[:, 0], places[:, -1])
    return np.concatenate(sides)


def _in_colours(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Convert a picture to grey or RGB, as `shape` requires."""
    if len(shape) == 2 and image.ndim == 3:
        return grey(image)
    if len(shape) == 3 and image.ndim == 2:
        return np.repeat(image[..., None], 3, axis=2)
    return image


def grey(image: np.ndarray) -> np.ndarray:
    """Convert uint8 RGB `(h, w, 3)` to grey `(h, w)` by luma; equal channels are unchanged.

    Example:
        >>> import numpy as np
        >>> grey(np.array([[[9, 9, 9], [255, 0, 0]]], np.uint8))
        array([[ 9, 77]], dtype=uint8)
    """
    luma: np.ndarray = (image @ _LUMA + 128) >> 8
    return luma.astype(np.uint8)


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scale a picture to fit `size`, centred, its aspect kept, padded with its border's colour.

    Args:
        image: uint8 `(h, w)` or `(h, w, 3)`.
        size: Height and width of the result.

    Example:
        >>> import numpy as np
        >>> resize(np.full((1, 2), 7, np.uint8), (2, 4))
        array([[7, 7, 7, 7],
               [7, 7, 7, 7]], dtype=uint8)
    """
    if image.shape[:2] == size:
        return image
    from PIL import Image

    height, width = image.shape[:2]
    scale = min(size[0] / height, size[1] / width)
    inner = max(1, round(height * scale)), max(1, round(width * scale))
    out = np.empty((*size, *image.shape[2:]), np.uint8)
    out[:] = _border_colour(image)
    top, left = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    scaled = Image.fromarray(image).resize(inner[::-1], Image.Resampling.BICUBIC)
    out[top : top + inner[0], left : left + inner[1]] = np.asarray(scaled)
    return out


def _border_colour(image: np.ndarray) -> np.ndarray:
    """Median colour of the outermost pixels, by channel."""
    edges = [image[[0, -1]].swapaxes(0, 1), image[:, [0, -1]]]
    colour: np.ndarray = np.median(np.concatenate(edges), axis=(0, 1))
    return colour.astype(np.uint8)
