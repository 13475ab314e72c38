"""Compare two pictures: their distance, and whether they match."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from embedder.data.records import Record
from embedder.errors import EmbeddingError, ImageError
from embedder.model import Embedder
from embedder.preprocessing.flat import remarks_on_flat
from index.decision import MATCH, NO_MATCH
from index.gallery import Gallery
from likewise.arrays import Pixels
from likewise.distance import between
from likewise.embedding import embed_named
from likewise.errors import LikewiseError
from likewise.output.rows import Row, remarked, shortest, shortest_threshold


def compare_row(
    a: Iterable[Record], b: Iterable[Record], embedder: Embedder, threshold: float | None
) -> Row:
    """Compare two pictures.

    Args:
        a: Stream of exactly one picture.
        b: Stream of the other picture.
        embedder: The model.
        threshold: Largest matching distance; None makes no decision.

    Returns:
        `{"a", "b", "distance", "threshold", "decision"}`, and `reason` where a picture is nearly
        one grey value.

    Raises:
        LikewiseError: If a stream holds none or several pictures, or one that cannot be read.

    Example:
        >>> from embedder.data.sources import records
        >>> seven = list(records("mnist/test/00000"))
        >>> compare_row(seven, seven, Embedder.load(), 0.5)["distance"]
        0.0
    """
    first, second = _only(a), _only(b)
    images = embedder.prepare([_pixels(first), _pixels(second)])
    try:
        return pair_row((first.id, second.id), images, embedder, threshold)
    except EmbeddingError as error:
        raise LikewiseError(f"The pictures cannot be compared: {error}.") from error


def pair_row(
    ids: tuple[str, str], images: Pixels, embedder: Embedder, threshold: float | None
) -> Row:
    """Compare two pictures that are prepared already; else as `compare_row`.

    Args:
        ids: Their names.
        images: `(2, *input_shape)`, uint8, as the network takes them.
        embedder: The model.
        threshold: Largest distance that is a match; None decides nothing.

    Raises:
        EmbeddingError: If the model gives no finite numbers for one of them.
    """
    apart = distance_of(images, ids, embedder)
    decision = None
    if threshold is not None:
        decision = MATCH if apart <= threshold else NO_MATCH
    row = {
        "a": ids[0],
        "b": ids[1],
        "distance": shortest([apart])[0],
        "threshold": shortest_threshold(threshold),
        "decision": decision,
    }
    remarks = [f"{ids[at]}: {text}" for at, text in remarks_on_flat(images).items()]
    return remarked(row, "; ".join(remarks) or None)


def distance_of(images: Pixels, names: Sequence[str], embedder: Embedder) -> float:
    """Measure the distance of two pictures.

    Args:
        images: `(2, *input_shape)`, uint8, as the network takes them.
        names: Their names, for the error.
        embedder: The model.

    Raises:
        EmbeddingError: If the model gives no finite numbers for one of them.
    """
    return between(*embed_named(embedder, images, names))


def pair_point(gallery: Gallery, at: str | None = None) -> str | None:
    """Name the operating point that judges a pair: `at`, or the one for pairs if that is None.

    That is the gallery's default one; but of the two that a model brings along, `default` is
    measured for searches and `eer` for pairs.

    Args:
        gallery: Holds the operating points.
        at: Name of an operating point; None for the default one.
    """
    if at is not None:
        return at
    points, chosen = gallery.points.all(), gallery.points.default
    brought = chosen == "default" and points[chosen].gallery_size is None
    return "eer" if brought and "eer" in points else chosen


def pair_threshold(gallery: Gallery, at: str | None = None) -> float:
    """The threshold of `pair_point`.

    Args:
        gallery: Holds the operating points.
        at: Name of an operating point; None for the default one.

    Returns:
        A distance; pairs up to it match.

    Raises:
        GalleryError: If the gallery has no such operating point, or none at all.
    """
    _, point = gallery.points.named(pair_point(gallery, at))
    return float(point.threshold)


def _only(records: Iterable[Record]) -> Record:
    first_two = list(islice(records, 2))
    if len(first_two) != 1:
        many = f"several, {first_two[0].id} first" if first_two else "none"
        raise LikewiseError(f"Each side of a comparison must be one picture. Received: {many}.")
    return first_two[0]


def _pixels(record: Record) -> Pixels:
    try:
        return record.pixels()
    except ImageError as error:
        raise LikewiseError(f"{record.id} cannot be read: {error}.") from error
