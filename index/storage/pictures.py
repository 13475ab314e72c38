"""Encode small pictures as bytes, losslessly and cheaply.

A picture that is mostly background (a digit) becomes a bitmap of its non-zero pixels and their
values, in a tenth of deflate's time at nearly its size. Other pictures are compressed by zlib.

Bytes: codec (1), number of axes (1), each axis' length (4, little-endian), then the pixels.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence
from typing import TypeGuard

import numpy as np

from likewise.arrays import Pixels

_SPARSE, _DEFLATE = 1, 2
_FASTEST = 1


def encode_pictures(pictures: Pixels | Sequence[Pixels | None]) -> list[bytes | None]:
    """Encode each picture; None stays None.

    Args:
        pictures: uint8, `(n, h, w)` or `(n, h, w, c)`, or a sequence of pictures of any shapes.

    Returns:
        One `bytes` for each picture, for `decode_picture`.

    Raises:
        ValueError: If a picture is not uint8 with 2 or 3 axes.

    Example:
        >>> [encoded] = encode_pictures(np.eye(28, dtype=np.uint8)[None])
        >>> len(encoded), (decode_picture(encoded) == np.eye(28)).all()
        (136, np.True_)
    """
    if isinstance(pictures, np.ndarray) and pictures.ndim in (3, 4) and len(pictures):
        return list(_encode_alike(pictures))
    if _are_alike(pictures):
        return list(_encode_alike(np.stack(pictures)))  # four times as fast as one by one
    return [
        None if picture is None else _encode_alike(np.asarray(picture)[None])[0]
        for picture in pictures
    ]


def decode_picture(encoded: bytes) -> Pixels:
    """Decode the bytes of `encode_pictures`.

    Raises:
        ValueError: If the bytes are not an encoded picture.
    """
    try:
        codec, axes = encoded[0], encoded[1]
        shape = struct.unpack_from(f"<{axes}I", encoded, 2)
        pixels = _DECODERS[codec](encoded[2 + 4 * axes :], math.prod(shape))
        return pixels.reshape(shape)
    except (IndexError, KeyError, struct.error, zlib.error) as error:
        raise ValueError(f"Expected an encoded picture. Received: {error}.") from error


def _are_alike(pictures: Pixels | Sequence[Pixels | None]) -> TypeGuard[Sequence[Pixels]]:
    """Decide whether all of them are arrays of one shape and type."""
    forms = {getattr(picture, "shape", None) for picture in pictures}
    types = {getattr(picture, "dtype", None) for picture in pictures}
    return len(forms) == len(types) == 1 and None not in forms


def _encode_alike(pictures: Pixels) -> list[bytes]:
    """Encode pictures of one shape, `(n, h, w[, c])`."""
    shape = pictures.shape[1:]
    if pictures.dtype != np.uint8 or len(shape) not in (2, 3):
        raise ValueError(
            "`pictures` must be uint8 of shape (h, w) or (h, w, c) each. "
            f"Received: {pictures.dtype} {shape}."
        )
    axes = struct.pack(f"<B{len(shape)}I", len(shape), *shape)
    sparse, deflate = bytes((_SPARSE,)) + axes, bytes((_DEFLATE,)) + axes
    flat = pictures.reshape(len(pictures), -1)
    inked = flat != 0
    packed = np.packbits(inked, axis=1)  # (n, ceil(pixels / 8))
    counts = np.bitwise_count(packed).sum(axis=1).tolist()
    bitmaps, values = packed.tobytes(), flat[inked].tobytes()
    size, end = packed.shape[1], 0
    encoded = []
    for row, count in enumerate(counts):
        start, end = end, end + count
        if 2 * count < flat.shape[1]:
            bitmap = bitmaps[row * size : (row + 1) * size]
            encoded.append(sparse + bitmap + values[start:end])
        else:
            encoded.append(deflate + zlib.compress(flat[row].tobytes(), _FASTEST))
    return encoded


def _decode_sparse(payload: bytes, size: int) -> Pixels:
    coded = np.frombuffer(payload, np.uint8)
    bitmap = -(-size // 8)
    if bitmap > len(coded):
        raise IndexError("the bitmap is too short")
    inked = np.unpackbits(coded[:bitmap], count=size).astype(bool)
    pixels = np.zeros(size, np.uint8)
    pixels[inked] = coded[bitmap:]
    return pixels


def _decode_deflate(payload: bytes, size: int) -> Pixels:
    return np.frombuffer(bytearray(zlib.decompress(payload)), np.uint8)


_DECODERS = {_SPARSE: _decode_sparse, _DEFLATE: _decode_deflate}
