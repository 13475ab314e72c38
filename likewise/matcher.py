"""An embedder and a gallery as one object: pictures in, neighbours and decisions out.

    records ─decode─▶ pixels ─embed─▶ vectors ─Gallery─▶ Neighbours, Decisions

Does not stream answers (`bulk`), does not write rows (`rows`), prints nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.data.records import Record
from embedder.errors import ModelError
from embedder.model import Embedder
from embedder.preprocessing.flat import remarks_on_flat
from index.decision import CheckOptions, Decision
from index.errors import FingerprintError
from index.gallery import Gallery
from index.neighbours import Neighbours
from index.operating_point import OperatingPoint
from likewise.arrays import Floats
from likewise.enrolment import AddReport, enrol_records

Images = Sequence[npt.NDArray[Any]] | npt.NDArray[Any]


class Matcher:
    """Answers which of the gallery's groups a picture belongs to.

    Attributes:
        embedder: Makes the vectors.
        gallery: Holds the references.

    Example:
        >>> import tempfile
        >>> from embedder.data.sources import records
        >>> path = Path(tempfile.mkdtemp()) / "digits.gallery"
        >>> with Matcher.create(path, Embedder.load()) as matcher:
        ...     report = matcher.add(records("mnist/test/00000"))
        ...     [answer] = matcher.check([next(records("mnist/test/00000")).pixels()])
        >>> report.added, answer.decision, answer.label, answer.distance
        (1, 'match', '7', 0.0)
    """

    def __init__(self, embedder: Embedder, gallery: Gallery) -> None:
        self.embedder = embedder
        self.gallery = gallery

    @classmethod
    def create(cls, path: str | os.PathLike[str], embedder: Embedder) -> Matcher:
        """Make an empty gallery with a copy of the embedder in it.

        Raises:
            GalleryError: If there is something at `path` already.
        """
        gallery = Gallery.create(
            Path(path),
            dim=embedder.dim,
            fingerprint=embedder.fingerprint,
            operating_points={
                name: OperatingPoint.from_json(point)
                for name, point in embedder.operating_points.items()
            },
            model=embedder.path,
        )
        return cls(embedder, gallery)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Matcher:
        """Open a gallery and the embedder that lies in it.

        Raises:
            GalleryError: If there is no gallery at `path`, it is damaged, or its vectors were
                made by another embedder.
            ModelError: If the embedder in it is missing or altered.
        """
        return cls.of(Gallery.open(Path(path)))

    @classmethod
    def of(cls, gallery: Gallery) -> Matcher:
        """Add to an open gallery the embedder that lies in it; where that fails it is closed.

        Raises:
            GalleryError: If its vectors were made by another embedder.
            ModelError: If the embedder in it is missing or altered.
        """
        try:
            embedder = _embedder_in(gallery)
            _require_same(embedder, gallery)
        except BaseException:
            gallery.close()
            raise
        return cls(embedder, gallery)

    def add(
        self, records: Iterable[Record], *, progress: Callable[[int], object] | None = None
    ) -> AddReport:
        """Enrol labelled pictures, 2048 of them in a transaction.

        An id that is there already is replaced. A picture that the gallery knows, under any id,
        is not embedded again: a call that was cut off can be repeated at little cost.

        Args:
            records: A stream; each needs a label.
            progress: Called with the number of records that each transaction dealt with.

        Raises:
            UnlabelledError: If a record has no label; what was written before stays.
            GalleryError: If the gallery cannot be written.
        """
        return enrol_records(self.embedder, self.gallery, records, progress)

    def query(self, images: Images, k: int = 5) -> Neighbours:
        """Find the k nearest references of each picture.

        Args:
            images: n pictures of any size, uint8, `(h, w)` grey or `(h, w, 3)` RGB each.
            k: 1 or more; of a smaller gallery all references are given.

        Returns:
            Neighbours, `(n, min(k, len(gallery)))`, nearest first.

        Raises:
            EmptyGalleryError: If there are no references.
        """
        return self.gallery.search(self._embedded(images), self.gallery.neighbours_of(k))

    def check(self, images: Images, options: CheckOptions = CheckOptions()) -> list[Decision]:
        """Decide for each picture which group it belongs to, if any.

        Args:
            images: n pictures, as for `query`.
            options: Threshold or operating point, margin, group, and k, of which a smaller gallery
                has fewer.

        Returns:
            n decisions; a picture that is nearly one grey value has that as the `reason`.

        Raises:
            EmptyGalleryError: If there are no references.
            GalleryError: If there is no such operating point, or no evidence with it.
            ValueError: If no reference has the label `options.group`.
        """
        prepared = self.embedder.prepare(images)
        decisions = self.decide(self.embedder.embed(prepared), options)
        for row, remark in remarks_on_flat(prepared).items():
            decisions[row] = replace(decisions[row], reason=remark)
        return decisions

    def decide(self, vectors: Floats, options: CheckOptions = CheckOptions()) -> list[Decision]:
        """Do what `check` does for pictures that are embedded already, `(n, dim)`, float32."""
        k = self.gallery.neighbours_of(options.k)
        return self.gallery.decide(vectors, k, self.gallery.points.rule(options))

    def compare(self, a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
        """Give the distance of two pictures, the same number that a search would give.

        Args:
            a: A picture of any size, uint8.
            b: Another.

        Returns:
            Euclidean distance of their vectors, a float32 value; 0.0 for identical pictures.
        """
        return distance(self.embedder, a, b)

    def close(self) -> None:
        """Close the gallery."""
        self.gallery.close()

    def __enter__(self) -> Matcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _embedded(self, images: Images) -> Floats:
        return self.embedder.embed(self.embedder.prepare(images))


def relabelled(records: Iterable[Record], label: str) -> Iterator[Record]:
    """Give each record of a stream the same label, whatever its own was."""
    return (replace(record, label=label) for record in records)


def _embedder_in(gallery: Gallery) -> Embedder:
    if not gallery.model_path.is_dir():
        raise ModelError(
            f"Gallery {str(gallery.path)!r} has no model: there is no folder "
            f"{str(gallery.model_path)!r}. Restore it from a backup, or build the gallery again."
        )
    return Embedder.load(gallery.model_path)


def _require_same(embedder: Embedder, gallery: Gallery) -> None:
    if embedder.fingerprint != gallery.fingerprint:
        raise FingerprintError(
            f"The vectors of gallery {str(gallery.path)!r} were made by the model "
            f"{gallery.fingerprint}, but its model is now {embedder.fingerprint}. "
            "Restore the model from a backup, or build the gallery again."
        )


def distance(embedder: Embedder, a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """Give the Euclidean distance of two pictures' vectors, without a gallery.

    Example:
        >>> blank = np.zeros((28, 28), np.uint8)
        >>> distance(Embedder.load(), blank, blank)
        0.0
    """
    return between(*embedder.embed(embedder.prepare([a, b])))


def between(a: Floats, b: Floats) -> float:
    """Give the Euclidean distance of two vectors, `(dim,)` each, a float32 value.

    Example:
        >>> between(np.array([0, 3], np.float32), np.array([4, 0], np.float32))
        5.0
    """
    return float(np.float32(np.linalg.norm(a.astype(np.float64) - b.astype(np.float64))))
