"""The pictures that a gallery is asked about: embedded, checked, and none that was seen before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from itertools import compress
from typing import Any

import numpy as np

from embedder.data.bundled import pictures_of
from embedder.data.records import Record
from embedder.data.splits import content_hash
from embedder.errors import UnlabelledError
from likewise.arrays import Floats
from likewise.bulk.stream import embed_stream
from likewise.errors import LikewiseError
from likewise.evaluation.figures import Figure
from likewise.matcher import Matcher

_NAMED = 5  # overlapping pictures that an error names


class OverlapError(LikewiseError):
    """Pictures to evaluate with were trained on, or are references."""


class Asked:
    """Pictures as they come in.

    Attributes:
        records: Those that could be read, n; what is given as unknown without its label.
        contents: A hash of each one's pixels, n.
        unreadable: Id and reason of each that could not be read.
        reference_labels: Groups of the gallery's m references.
        references: Their vectors, `(m, dim)`.
    """

    def __init__(self, matcher: Matcher) -> None:
        self.matcher = matcher
        self.records: list[Record] = []
        self.contents: list[bytes] = []
        self.unreadable: list[tuple[str, str]] = []
        self._vectors: list[Floats] = []
        _, labels, self.references = matcher.gallery.references()
        self.reference_labels: list[str] = labels.tolist()
        self._known = set(self.reference_labels)

    @property
    def vectors(self) -> Floats:
        """Their embeddings, `(n, dim)`."""
        return np.concatenate(self._vectors or [np.empty((0, self.matcher.gallery.dim), "f4")])

    def take(
        self, records: Iterable[Record], progress: Callable[[int], object], *, labelled: bool
    ) -> None:
        """Embed pictures.

        Raises:
            UnlabelledError: If one is labelled that should not be, or the other way round.
        """
        with closing(embed_stream(self.matcher.embedder, records, hashed=True)) as parts:
            for part, vectors in parts:
                self.unreadable += [(part.records[at].id, why) for at, why in part.reasons.items()]
                for record in part.readable:
                    self._check(record, labelled)
                self.records += part.readable if labelled else map(_unlabelled, part.readable)
                self.contents += part.contents
                self._vectors.append(vectors)
                progress(len(part.records))

    def _check(self, record: Record, labelled: bool) -> None:
        if labelled and record.label is None:
            raise UnlabelledError(
                f"{record.id} has no label, and evaluation compares answers with labels. Pictures "
                "of unknown groups go to --unknown."
            )
        if not labelled and record.label in self._known:
            raise UnlabelledError(
                f"{record.id} is of group {record.label!r}, which the gallery has, so it is no "
                "unknown. Give it as labelled data, or leave it out."
            )

    def overlap(self, at: str | None, allowed: bool) -> Figure:
        """Count the pictures that were seen before, by gallery, embedder or calibration.

        Training pictures are not kept with a model. Of the bundled digits they are known; for other
        models the count is None.

        Raises:
            OverlapError: If there are any, unless that is allowed.
        """
        gallery = self.matcher.gallery
        training = _training_contents(self.matcher.embedder.metadata)
        seen: dict[str, tuple[str, Collection[bytes]]] = {
            "references": ("references of the gallery", gallery.vectors_of(self.contents)),
            "training": ("training pictures of the embedder", training or ()),
            "calibration": (
                f"pictures that chose the threshold {gallery.point(at)[0]!r}",
                gallery.calibrated_on(at),
            ),
        }
        found: Figure = {"allowed": allowed}
        for name, (what, contents) in seen.items():
            hits = [content in contents for content in self.contents]
            found[name] = sum(hits)
            if any(hits) and not allowed:
                ids = [record.id for record in compress(self.records, hits)]
                raise OverlapError(
                    f"Expected pictures that were not seen before, but {len(ids)} of "
                    f"{len(self.records)} are {what}: {', '.join(ids[:_NAMED])}"
                    f"{', ...' * (len(ids) > _NAMED)}. Leave them out, or give --allow-overlap."
                )
        if training is None:
            found["training"] = None
        return found


def _unlabelled(record: Record) -> Record:
    return Record(record.id, None, record.image, record.metadata)


def _training_contents(metadata: dict[str, Any]) -> set[bytes] | None:
    """Content hashes of the pictures that a model was trained on, or None if nobody knows."""
    pictures = pictures_of(metadata.get("data", {}).get("sha256"))
    return None if pictures is None else set(map(content_hash, pictures))
