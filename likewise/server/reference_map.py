"""The map of the page: a sample of the references, laid out in two dimensions."""

from __future__ import annotations

from dataclasses import dataclass

from index.gallery import Gallery
from likewise.arrays import Doubles, Floats, Indices, Strings
from likewise.maps.layout import laid_out, sample
from likewise.server.errors import ApiError
from likewise.server.schemas.gallery import Map, Place

POINTS = 1500  # takes two to three seconds of one core; more points would be indistinguishable


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """A map as JSON, with the data to place further vectors on it.

    Attributes:
        body: A `Map` as JSON.
        vectors: Vectors of its n points, `(n, dim)`.
        places: Positions of its points, `(n, 2)`, in [0, 1].
    """

    body: bytes
    vectors: Floats
    places: Doubles


def lay_out(gallery: Gallery) -> Layout:
    """Compute the map.

    Raises:
        ApiError: If there are no references.
    """
    with gallery.snapshot() as generation:
        ids, labels, vectors = gallery.chosen(_drawn)
    if not len(vectors):
        raise ApiError("empty_gallery", "There are no references to lay out.", "Add some first.")
    places = laid_out(vectors)
    points = [
        Place(id=id, label=label, x=x, y=y)
        for id, label, (x, y) in zip(ids, labels, places.tolist(), strict=True)
    ]
    body = Map(points=points, generation=generation).model_dump_json().encode()
    return Layout(body, vectors, places)


def _drawn(labels: Strings) -> Indices:
    return sample([label or "" for label in labels], POINTS)
