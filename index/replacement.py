"""Replace a gallery by another in one step: a kill leaves the one or the other, whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from index.address import Address
from index.gallery import Gallery
from index.operating_point import OperatingPoint, points_to_json
from index.storage.directory import fill_directory, replaced


@contextmanager
def replacement(
    gallery: Gallery,
    *,
    dim: int,
    fingerprint: str,
    operating_points: Mapping[str, OperatingPoint],
    model: Path,
) -> Iterator[Gallery]:
    """An empty gallery that takes the place of another at the end of the block.

    If the block raises, the older gallery stays. Nobody else can change it until the end, when it
    is removed; those who have it open get a `ReplacedError` from then on.

    Args:
        gallery: The gallery to replace.
        dim: Length of the new vectors, >= 1.
        fingerprint: Fingerprint of the embedder that makes them.
        operating_points: Operating points of the new gallery.
        model: Directory of that embedder, copied into the new gallery.

    Yields:
        The new gallery, to be filled.

    Raises:
        GalleryError: If the older gallery cannot be written.
        StoreError: If the new one is not read as it was written.
        OSError: If the new one cannot be written.
    """
    points = points_to_json(operating_points)
    with _place_of(gallery) as staging:
        fill_directory(staging, dim, fingerprint, points, model)
        with Gallery.open(staging) as new:
            yield new
            new.verify()


def _place_of(gallery: Gallery) -> AbstractContextManager[Path]:
    """An empty directory that takes the gallery's place at the end of the block."""
    if isinstance(gallery.place, Address):
        from index.postgres.replacing import replaced_in_database  # its driver is an extra

        return replaced_in_database(*gallery.parts())
    return _replaced_directory(gallery)


@contextmanager
def _replaced_directory(gallery: Gallery) -> Iterator[Path]:
    with gallery.unchanged(), replaced(gallery.path.resolve()) as staging:
        yield staging
