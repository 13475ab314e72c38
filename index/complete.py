"""Make a gallery that appears once it is complete."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from index.gallery import Gallery
from index.operating_point import OperatingPoint, points_to_json
from index.storage.directory import created, fill_directory


@contextmanager
def complete_gallery(
    path: Path,
    *,
    dim: int,
    fingerprint: str,
    operating_points: Mapping[str, OperatingPoint],
    model: Path,
) -> Iterator[Gallery]:
    """Make a gallery beside its place; it comes to its place when the block ends without an error.

    Args:
        path: Its directory; must not exist.
        dim: Length of the vectors.
        fingerprint: Fingerprint of the embedder that makes the vectors.
        operating_points: Named thresholds.
        model: Directory of the embedder, which is copied.

    Yields:
        The gallery, to be filled; it is closed at the end.

    Raises:
        GalleryError: If `path` exists.
        OSError: If the directory cannot be written.

    Example:
        >>> import tempfile
        >>> from embedder.model import SHIPPED
        >>> path = Path(tempfile.mkdtemp()) / "pets"
        >>> shape = {"dim": 2, "fingerprint": "3f9a1c", "operating_points": {}, "model": SHIPPED}
        >>> with complete_gallery(path, **shape) as gallery:
        ...     gallery.add(["a"], np.ones((1, 2), np.float32), ["cat"])
        ...     path.exists()
        False
        >>> path.exists()
        True
    """
    points = points_to_json(operating_points)
    with created(path) as staging:
        fill_directory(staging, dim, fingerprint, points, model)
        with Gallery.open(staging) as gallery:
            yield gallery
