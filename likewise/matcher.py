"""Matcher: an embedder and a gallery as one object, from pictures to decisions.

    pictures ─decode─▶ pixels ─embed─▶ vectors ─Gallery─▶ Neighbours, Decisions

Does not stream answers (`bulk`), does not write rows (`output`), prints nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from embedder.errors import ModelError
from embedder.model import Embedder
from index.address import Address
from index.decision import CheckOptions, Decision
from index.errors import FingerprintError
from index.gallery import Gallery
from index.operating_point import points_from_json
from likewise.arrays import Floats

if TYPE_CHECKING:  # a cold query needs none of these
    from likewise.add_report import AddReport
    from likewise.answers import Decisions, PictureNeighbours
    from likewise.conflicts import OnConflict
    from likewise.labelling import Labels
    from likewise.pictures import Picture, Pictures


class Matcher:
    """Answers which of the gallery's groups a picture belongs to.

    Pictures are paths, uint8 arrays `(h, w)` or `(h, w, 3)`, Pillow images and `Record`s, mixed as
    they come. A single one needs no list around it, but for a colour picture as an array.

    Attributes:
        embedder: Makes the vectors.
        gallery: Holds the references.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/digits.gallery"
        >>> with Matcher.create(path, Embedder.load()) as matcher:
        ...     report = matcher.add("mnist/test/00000", labels="7")
        ...     [answer] = matcher.check("mnist/test/00000")
        >>> report.added, answer.decision, answer.label, answer.distance
        (1, 'match', '7', 0.0)
    """

    def __init__(self, embedder: Embedder, gallery: Gallery) -> None:
        self.embedder = embedder
        self.gallery = gallery

    @classmethod
    def create(cls, path: str | os.PathLike[str] | Address, embedder: Embedder) -> Matcher:
        """Make an empty gallery with a copy of the embedder in it.

        Args:
            path: The directory to make, or an address in PostgreSQL; must not exist.
            embedder: Makes the vectors.

        Raises:
            GalleryError: If there is something at `path` already.
        """
        gallery = Gallery.create(
            path,
            dim=embedder.dim,
            fingerprint=embedder.fingerprint,
            operating_points=points_from_json(embedder.operating_points),
            model=embedder.path,
        )
        return cls(embedder, gallery)

    @classmethod
    def open(cls, path: str | os.PathLike[str] | Address) -> Matcher:
        """Open a gallery, by its directory or address, and the embedder that lies in it.

        Raises:
            GalleryError: If there is no gallery at `path`, it is damaged, or its vectors were
                made by another embedder.
            ModelError: If the embedder in it is missing or altered.

        Example:
            >>> import likewise, tempfile
            >>> path = f"{tempfile.mkdtemp()}/digits.gallery"
            >>> likewise.build(path, "mnist/test/00000").close()
            >>> with likewise.open(path) as matcher:
            ...     matcher.gallery.labels
            {'7': 1}
        """
        return cls.of(Gallery.open(path))

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
        self,
        pictures: Pictures,
        *,
        labels: Labels | None = None,
        ids: Sequence[str] | str | None = None,
        unlabelled: bool = False,
        label_each: bool = False,
        on_conflict: OnConflict = "error",
        progress: Callable[[int], object] | None = None,
    ) -> AddReport:
        """Enrol pictures, 2048 of them in a transaction.

        A picture that the gallery knows, under any id, is not embedded again: a call that was cut
        off can be repeated at little cost.

        Args:
            pictures: A stream of records with labels; or, with `labels`, n pictures as for `check`.
            labels: n labels, or one for all; in place of the records' own.
            ids: n ids, in place of paths and of the records' own. Without them an array is named
                by a hash of its pixels.
            unlabelled: Enrol them without labels: `query` finds them, `check` passes them over.
            label_each: Make each picture a group of its own, called by its id without the ending.
            on_conflict: What becomes of a picture whose id another picture or label has: `error`
                refuses it, `replace` and `skip` keep the last or the first, `rename` puts the
                source's name before the id.
            progress: Called with the number of pictures that each transaction dealt with.

        Raises:
            ConflictError: If an id is refused; of a plain iterator, what came before it stays.
            UnlabelledError: If no picture has a label.
            LabelsError: If there are not as many labels or ids as pictures, or labels too many.
            GalleryError: If the gallery cannot be written.

        Example:
            >>> import likewise, tempfile
            >>> with likewise.build(f"{tempfile.mkdtemp()}/g", "mnist/test/00000") as matcher:
            ...     matcher.add(np.eye(28, dtype=np.uint8)[None], labels=["line"]).added
            ...     matcher.gallery.labels
            1
            {'7': 1, 'line': 1}
        """
        from likewise.enrolment import enrol_records
        from likewise.labelling import labelled_records

        how = {"unlabelled": unlabelled}
        records = labelled_records(pictures, labels, ids, label_each=label_each, **how)
        return enrol_records(self.embedder, self.gallery, records, progress, on_conflict, **how)

    def query(self, pictures: Pictures, k: int = 5) -> PictureNeighbours:
        """Find the k nearest references of each picture.

        Args:
            pictures: n pictures, as for `check`.
            k: 1 or more; of a smaller gallery all references are returned.

        Returns:
            Neighbours, `(n, min(k, len(gallery)))`, nearest first; also as `to_pandas()` and
            `to_arrow()`, where these are installed. A picture that cannot be read has none, and
            its reason in `reasons`.

        Raises:
            EmptyGalleryError: If there are no references.
            PicturesError: If something else was passed as a picture.
            ValueError: If `k` is no whole number >= 1, or an array is not uint8 grey or RGB.

        Example:
            >>> import likewise, tempfile
            >>> with likewise.build(f"{tempfile.mkdtemp()}/g", "mnist/test/00000") as matcher:
            ...     neighbours = matcher.query("mnist/test/00000")
            >>> neighbours.labels.tolist(), neighbours.distances.tolist()
            ([['7']], [[0.0]])
            >>> neighbours[0]
            [Neighbour(rank=1, id='mnist/test/00000', label='7', distance=0.0)]
        """
        from likewise.answers import PictureNeighbours
        from likewise.pictures import QueryPictures

        asked = QueryPictures.of(pictures)
        embedded = asked.embedded(self.embedder)
        with self.gallery.snapshot():
            near = self.gallery.search(embedded.vectors, self.gallery.neighbours_of(k))
        return PictureNeighbours.of(near, embedded, asked, self.gallery)

    def check(self, pictures: Pictures, options: CheckOptions = CheckOptions()) -> Decisions:
        """Decide for each picture which group it belongs to, if any.

        Args:
            pictures: n pictures of any size: a list of paths, names of bundled digits, uint8
                arrays `(h, w)` grey or `(h, w, 3)` RGB, Pillow images and records; an array
                `(n, h, w)` or `(n, h, w, 3)`; or one picture. For very many see `check_stream`.
            options: Threshold or operating point, margin, group, and k, of which a smaller gallery
                has fewer.

        Returns:
            n decisions, a sequence; also as `to_pandas()` and `to_arrow()`, where these are
            installed. A picture that cannot be read has the decision `error` and a reason; one that
            is nearly one grey value has that as its reason.

        Raises:
            EmptyGalleryError: If there are no references.
            NoGroupsError: If none of them has a label.
            GalleryError: If there is no such operating point, or no evidence with it.
            PicturesError: If something else was passed as a picture.
            ValueError: If no reference has the label `options.group`, or an array is no picture.

        Example:
            >>> import likewise, tempfile
            >>> data = likewise.records("mnist/test/00000")
            >>> with likewise.build(f"{tempfile.mkdtemp()}/digits.gallery", data) as matcher:
            ...     blank = np.zeros((28, 28), np.uint8)
            ...     decisions = matcher.check(["mnist/test/00000", blank, "no-such.png"])
            >>> [(decision.decision, decision.label) for decision in decisions]
            [('match', '7'), ('no_match', None), ('error', None)]
        """
        from likewise.answers import Decisions, completed
        from likewise.pictures import QueryPictures

        asked = QueryPictures.of(pictures)
        embedded = asked.embedded(self.embedder)
        with self.gallery.snapshot():
            k = self.gallery.neighbours_of(options.k)
            rule = self.gallery.points.rule(options)
            answers = self.gallery.decide(embedded.vectors, k, rule)
        return Decisions(completed(answers, embedded, rule.limits.threshold), asked, self.gallery)

    def decide(self, vectors: Floats, options: CheckOptions = CheckOptions()) -> list[Decision]:
        """Decide for vectors, as `check` does for pictures.

        Args:
            vectors: `(n, dim)`, float32, of the gallery's embedder.
            options: As for `check`.
        """
        with self.gallery.snapshot():
            k = self.gallery.neighbours_of(options.k)
            return self.gallery.decide(vectors, k, self.gallery.points.rule(options))

    def compare(self, a: Picture, b: Picture) -> float:
        """Measure the distance of two pictures, the same number that a search gives.

        Args:
            a: A picture of any size, as for `check`.
            b: Another.

        Returns:
            Euclidean distance of their vectors, a float32 value; 0.0 for identical pictures.

        Raises:
            ImageError: If one cannot be read or embedded.
        """
        from likewise.comparison import distance_of
        from likewise.pictures import readable_pixels

        prepared = self.embedder.prepare([readable_pixels(a), readable_pixels(b)])
        return distance_of(prepared, ("`a`", "`b`"), self.embedder)

    def close(self) -> None:
        """Close the gallery."""
        self.gallery.close()

    def _repr_html_(self) -> str:
        from likewise.notebook.views import gallery_view

        return gallery_view(self.gallery)

    def __repr__(self) -> str:
        return f"<Matcher of gallery {self.gallery.place.name!r}>"

    def __enter__(self) -> Matcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _embedder_in(gallery: Gallery) -> Embedder:
    if not gallery.model_path.is_dir():
        raise ModelError(
            f"Gallery {str(gallery.place)!r} has no model: there is no folder "
            f"{str(gallery.model_path)!r}. Restore it from a backup, or build the gallery again."
        )
    return Embedder.load(gallery.model_path)


def _require_same(embedder: Embedder, gallery: Gallery) -> None:
    if embedder.fingerprint != gallery.fingerprint:
        raise FingerprintError(
            f"The vectors of gallery {str(gallery.place)!r} were made by the model "
            f"{gallery.fingerprint}, but its model is now {embedder.fingerprint}. "
            "Restore the model from a backup, or build the gallery again."
        )
