"""A picture's content: its hash, by which two copies of it are known as one picture."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np


def content_hash(image: np.ndarray) -> bytes:
    """Hash the shape and pixels of a picture into 16 bytes.

    Args:
        image: uint8 `(h, w)` or `(h, w, 3)`.

    Example:
        >>> blank = np.zeros((2, 3), np.uint8)
        >>> content_hash(blank) == content_hash(blank.copy()) != content_hash(blank.T)
        True
    """
    state = _begun(image.shape).copy()
    state.update(np.ascontiguousarray(image).reshape(-1).data)  # no copy where pixels are in order
    return state.digest()


@lru_cache(maxsize=16)  # pictures of a data set often have one shape
def _begun(shape: tuple[int, ...]) -> hashlib.blake2b:
    """A hash of a shape, to be copied and continued."""
    return hashlib.blake2b(repr(shape).encode(), digest_size=16)


class Digest:
    """SHA-256 over labels and pictures, one after the other."""

    def __init__(self) -> None:
        self._state = hashlib.sha256()

    def add(self, label: str, image: np.ndarray) -> None:
        """Add a label and its picture.

        Args:
            label: The picture's label.
            image: uint8 `(h, w)` or `(h, w, 3)`.
        """
        self._state.update(f"{label}\0{image.shape}\0".encode())
        self._state.update(np.ascontiguousarray(image).reshape(-1).data)

    def hexdigest(self) -> str:
        """The digest of all that was added, as 64 hex digits."""
        return self._state.hexdigest()
