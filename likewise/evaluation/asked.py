"""Pictures that are searched to judge a gallery: new ones, or its own references in folds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from embedder.data.records import Record
from embedder.errors import ImageError
from index.neighbours import Neighbour
from likewise.arrays import Floats, Indices
from likewise.evaluation.overlap import Overlap, count_overlap
from likewise.folds import Folds, trained_on
from likewise.matcher import Matcher
from likewise.queries import GroupDistances, Progress, Queries, QueryReader
from likewise.remarks import Remarks

_OPTIMISTIC = "so these figures are too good: evaluate with other pictures"
_OWN = "the gallery's own references"  # how calibrations call them


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Pictures, and what a search gave for them.

    Attributes:
        queries: The n pictures, labelled ones first, then those passed as unknown.
        distances: How near they come to each group.
        references: The labelled references, `(m, dim)`, float32.
        reference_labels: Their groups, m.
        overlap: How many pictures were seen before.
        folds: The references in folds where these are the pictures; None for new ones.
        unreadable: Id and reason of each picture that could not be read.
        remarks: On pictures that are nearly one grey value.
        passed_over: Sentences about pictures passed over, and what limits the figures.
    """

    queries: Queries
    distances: GroupDistances
    references: Floats
    reference_labels: list[str]
    overlap: Overlap
    folds: Folds | None = None
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    remarks: Remarks = field(default_factory=Remarks)
    passed_over: list[str] = field(default_factory=list)

    def apart(self) -> tuple[Indices, Indices] | None:
        """The folds of the mated queries and of the references; None for new pictures."""
        if self.folds is None:
            return None
        return self.folds.fold[self.folds.asked[self.distances.known]], self.folds.fold

    def neighbours(self, matcher: Matcher, rows: list[int], count: int) -> list[list[Neighbour]]:
        """The nearest references of some pictures, for a reference those of other folds.

        Args:
            matcher: Embedder and gallery.
            rows: Rows of the pictures.
            count: Number of neighbours, fewer in a gallery that has not so many.
        """
        if self.folds is not None:
            return [self.folds.neighbours(int(self.folds.asked[row]), count) for row in rows]
        nearest = matcher.gallery.search(
            self.queries.vectors[rows], matcher.gallery.neighbours_of(count), exact=True
        )
        return [nearest[place] for place in range(len(rows))]


def ask_new(
    matcher: Matcher,
    data: Iterable[Record],
    unknown: Iterable[Record] | None,
    point: str | None,
    progress: Progress,
    *,
    allow_overlap: bool,
) -> Asked:
    """Search the gallery for pictures that are not in it.

    Args:
        matcher: Embedder and gallery.
        data: Labelled pictures.
        unknown: Further pictures of none of the gallery's groups.
        point: The operating point that is judged; the default one when None.
        progress: Called with the number of further pictures that are done.
        allow_overlap: Whether pictures that were seen before may be measured all the same.
    """
    gallery = matcher.gallery
    reader = QueryReader(matcher, "evaluation", progress=progress)
    batches = [*reader.labelled(data), *reader.unknown(unknown or [])]
    reader.join.require()
    queries = Queries.joined(batches, gallery.dim)
    overlap = count_overlap(matcher, queries, point, allowed=allow_overlap)
    distances = GroupDistances.search(gallery, queries.vectors, queries.labels)
    _, labels, references = gallery.labelled_references()
    return Asked(
        queries,
        distances,
        references,
        labels.tolist(),
        overlap,
        unreadable=reader.unreadable,
        remarks=reader.remarks,
        passed_over=reader.passed_over(),
    )


def ask_references(matcher: Matcher, point: str | None, progress: Progress) -> Asked:
    """Search each reference among those of the other folds.

    Args:
        matcher: Embedder and gallery.
        point: The operating point that is judged; the default one when None.
        progress: Called with the number of further references that are done.

    Raises:
        ValueError: If each group has one reference, or copies of one.
    """
    folds = Folds.of(matcher.gallery)
    held = ImageError("the gallery holds this picture")
    records = [Record(folds.ids[row], folds.labels[row], held) for row in folds.asked.tolist()]
    distances = folds.together(progress)
    if not len(distances.known):
        raise ValueError(
            "Cross-validation needs a group of two references that are no copies of each other, "
            "and there is none. Evaluate with other pictures."
        )
    return Asked(
        Queries(records, [], folds.vectors[folds.asked]),
        distances,
        folds.vectors,
        folds.labels,
        Overlap(allowed=False, references=0, training=None, calibration=0),
        folds,
        passed_over=[
            *folds.not_searched(),
            *trained_on(matcher, _OPTIMISTIC),
            *_same_searches(matcher, point),
        ],
    )


def _same_searches(matcher: Matcher, point: str | None) -> list[str]:
    """Say so where the references chose the threshold too."""
    name, judged = matcher.gallery.points.named(point)
    if _OWN not in (judged.measured_on or ""):
        return []
    return [f"The references chose the threshold {name!r} too, so FPIR and FNIR are optimistic."]
