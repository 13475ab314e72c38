"""Detect pictures that the gallery, the embedder or the calibration has seen."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import compress
from typing import Any

from embedder.data.bundled import pictures_of
from embedder.data.content import content_hash
from likewise.errors import LikewiseError
from likewise.matcher import Matcher
from likewise.queries import Queries

_NAMED = 5  # pictures that an error names


class OverlapError(LikewiseError):
    """Evaluation pictures were trained on, are references, or chose the threshold."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many of the pictures were seen before.

    Attributes:
        allowed: Whether they were measured all the same.
        references: Number that are references of the gallery.
        training: Number that trained the embedder; None if its training pictures are unknown.
        calibration: Number that chose the threshold.
    """

    allowed: bool
    references: int
    training: int | None
    calibration: int


def count_overlap(matcher: Matcher, queries: Queries, at: str | None, *, allowed: bool) -> Overlap:
    """Count the pictures that were seen before.

    Training pictures are not kept with a model. Those of the bundled digits are known; for other
    models the count is None.

    Args:
        matcher: Embedder and gallery.
        queries: The pictures.
        at: Operating point that is judged; the default one when None.
        allowed: Whether such pictures may be measured all the same.

    Raises:
        OverlapError: If there are any, unless that is allowed.
    """
    gallery = matcher.gallery
    training = _training_contents(matcher.embedder.metadata)
    chosen = f"pictures that chose the threshold {gallery.points.named(at)[0]!r}"
    counts = [
        _count(queries, contents, kind, allowed)
        for kind, contents in (
            ("references of the gallery", gallery.vectors_of(queries.contents)),
            ("training pictures of the embedder", training or ()),
            (chosen, gallery.points.calibrated_on(at)),
        )
    ]
    references, trained_on, calibration = counts
    return Overlap(allowed, references, None if training is None else trained_on, calibration)


def _count(queries: Queries, contents: Collection[bytes], kind: str, allowed: bool) -> int:
    hits = [content in contents for content in queries.contents]
    if any(hits) and not allowed:
        ids = [record.id for record in compress(queries.records, hits)]
        raise OverlapError(
            f"Expected unseen pictures, but {len(ids)} of "
            f"{len(queries.records)} are {kind}: {', '.join(ids[:_NAMED])}"
            f"{', ...' * (len(ids) > _NAMED)}. Leave them out, or pass --allow-overlap."
        )
    return sum(hits)


def _training_contents(metadata: dict[str, Any]) -> set[bytes] | None:
    """Content hashes of the pictures that a model was trained on; None where they are unknown."""
    pictures = pictures_of(metadata.get("data", {}).get("sha256"))
    return None if pictures is None else set(map(content_hash, pictures))
