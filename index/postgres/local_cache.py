"""Errors of the local cache, which name the folder and how to choose another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from index.errors import GalleryError


@contextmanager
def writing_cache(directory: Path) -> Iterator[None]:
    """Name the cache where it cannot be written.

    Args:
        directory: The cache of a gallery.

    Raises:
        GalleryError: In place of an OSError of the block.

    Example:
        >>> with writing_cache(Path("/cache/shoes-3f9a1c")):
        ...     raise OSError(28, "No space left on device")
        Traceback (most recent call last):
        index.errors.GalleryError: The local cache /cache/shoes-3f9a1c cannot be written (No space
        left on device): choose another folder by --cache or LIKEWISE_CACHE.
    """
    try:
        yield
    except OSError as error:
        raise GalleryError(
            f"The local cache {directory} cannot be written ({error.strerror or error}): choose "
            "another folder by --cache or LIKEWISE_CACHE."
        ) from error
