"""Evaluate a gallery on unseen labelled pictures: every figure, with its interval.

    records ─asked─▶ Queries, GroupDistances ─▶ Figures

Does not write files and does not draw (`report`).
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from embedder.data.records import Record
from index.decision import CheckOptions, Rule, require_whole_number
from likewise.bulk.stream import require_matcher
from likewise.evaluation.asked import Asked, ask_new, ask_references
from likewise.evaluation.figures import Figures, GallerySize, JudgedPoint, QueryCounts
from likewise.evaluation.groups import by_group, misses
from likewise.evaluation.identification import identification
from likewise.evaluation.open_set import open_set
from likewise.evaluation.retrieval import retrieval
from likewise.evaluation.verification import Verification, verification
from likewise.folds import require_alone
from likewise.matcher import Matcher
from likewise.metrics.groups import Groups
from likewise.metrics.identification import identification_curve
from likewise.metrics.rates import Curve
from likewise.queries import GroupDistances, Progress, Queries


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The figures, and the data to plot them.

    Attributes:
        figures: All figures.
        asked: The pictures, and what the search gave for them.
        pairs: Distances of pairs, and FMR and FNMR over the threshold; None where no two pictures
            are of one group, or all are.
        identification: FPIR and FNIR over the threshold; None without any unknown.
        wrong: Rows of the mated queries that were missed, the nearest to a wrong group first.
    """

    figures: Figures
    asked: Asked
    pairs: Verification | None
    identification: Curve | None
    wrong: list[int]


def evaluate(
    matcher: Matcher,
    data: Iterable[Record] | None = None,
    unknown: Iterable[Record] | None = None,
    *,
    cross_validate: bool = False,
    at: str | None = None,
    seed: int = 0,
    seeds: int = 5,
    allow_overlap: bool = False,
    progress: Progress = lambda done: None,
) -> Evaluation:
    """Measure how well a gallery answers: for unseen pictures, or for its references in folds.

    Args:
        matcher: Embedder and gallery.
        data: Labelled pictures. Those of the gallery's groups are mated queries and, with their
            own group left out, non-mated ones; those of other groups are non-mated, and must be
            the fewer. Pictures without a label are passed over.
        unknown: Further pictures of none of the gallery's groups.
        cross_validate: Instead of `data` and `unknown`, divide the references into ten folds and
            search each fold among the others. Near copies are in one fold, and one of them is
            searched.
        at: Operating point to judge; the default one when None.
        seed: Seed of all sampling; the same seed gives the same report.
        seeds: How often pairs, and queries to rank all references for, are drawn.
        allow_overlap: Measure even if pictures are references, were trained on, or chose the
            threshold.
        progress: Called with the number of further pictures that are done.

    Raises:
        OverlapError: If a picture is a reference, was trained on, or was calibrated with, unless
            that is allowed.
        UnlabelledError: If no picture of `data` has a label, or one of `unknown` a known one.
        UnmatchedLabelsError: If most pictures of `data` are of groups that the gallery lacks, or
            some of a group whose label is only spelled otherwise.
        ValueError: If there are too few pictures to measure anything, pictures came together with
            `cross_validate`, or a seed or their number is out of range.
        MatcherError: If a path came in place of an open gallery, `likewise.open(path)`.
        GalleryError: If the gallery cannot be read or has no such operating point.

    Example:
        >>> import tempfile, likewise
        >>> from itertools import islice
        >>> known = islice(likewise.records("mnist/train"), 500)
        >>> with likewise.build(f"{tempfile.mkdtemp()}/digits.gallery", known) as matcher:
        ...     evaluation = evaluate(matcher, islice(likewise.records("mnist/test"), 300), seeds=1)
        >>> evaluation.figures.verification.eer.value < 0.01
        True
    """
    require_matcher(matcher)
    require_whole_number("seed", seed, least=0)
    require_whole_number("seeds", seeds, least=1)
    if cross_validate:
        require_alone(data, unknown)
    elif data is None:
        raise ValueError("Expected labelled pictures, `data`, or `cross_validate`.")
    matcher.gallery.neighbours_of(1)  # an empty gallery is refused here
    matcher.gallery.require_groups()
    rule = matcher.gallery.points.rule(CheckOptions(at=at))
    if cross_validate:
        asked = ask_references(matcher, at, progress)
    else:
        asked = ask_new(matcher, data or (), unknown, at, progress, allow_overlap=allow_overlap)
    figures, pairs, wrong = _measured(matcher, asked, rule, int(seed), int(seeds))
    return Evaluation(figures, asked, pairs, _curve(asked.distances), wrong)


def _measured(
    matcher: Matcher, asked: Asked, rule: Rule, seed: int, seeds: int
) -> tuple[Figures, Verification | None, list[int]]:
    """All figures, the pairs, and the rows of the pictures that were missed."""
    queries, searched, limits = asked.queries, asked.distances, rule.limits
    _require_mated(queries, searched)
    with ThreadPoolExecutor(1, "retrieval") as pool:  # beside the pairs, which take about as long
        ranked = pool.submit(
            retrieval,
            queries.vectors[searched.known],
            searched.mated.labels,
            asked.references,
            asked.reference_labels,
            seed,
            seeds,
            asked.apart(),
        )
        pairs = _pairs(queries, limits.threshold, seed, seeds)
    wrong, missed = misses(searched, limits, [record.id for record in queries.records])
    figures = Figures(
        gallery=_gallery(matcher, searched),
        operating_point=_point(matcher, rule),
        queries=_counts(queries, searched, len(asked.unreadable)),
        overlap=asked.overlap,
        cross_validated=asked.folds is not None,
        seed=seed,
        verification=None if pairs is None else pairs.figures,
        identification=identification(searched, limits),
        unknown_groups=open_set(searched, seed),
        retrieval=ranked.result(),
        groups=by_group(searched, limits, asked.reference_labels),
        unreadable=asked.unreadable,
        missed=missed,
        passed_over=asked.passed_over,
    )
    return figures, pairs, wrong


def _curve(searched: GroupDistances) -> Curve | None:
    nearest = searched.unknown.distances
    return identification_curve(searched.mated, nearest) if len(nearest) else None


def _require_mated(queries: Queries, searched: GroupDistances) -> None:
    if not len(searched.known):
        raise ValueError(
            f"Expected pictures of the gallery's groups, but none of {len(queries.records)} has "
            "the label of one that it would be searched among. Pass labelled pictures of these "
            "groups."
        )


def _pairs(queries: Queries, threshold: float, seed: int, draws: int) -> Verification | None:
    """Pairs of all labelled pictures, those of groups that the gallery has not included."""
    rows = [row for row, label in enumerate(queries.labels) if label is not None]
    labels = [label for label in queries.labels if label is not None]
    if not Groups.of(labels).have_pairs:
        return None
    return verification(queries.vectors[np.array(rows)], labels, threshold, seed=seed, draws=draws)


def _gallery(matcher: Matcher, searched: GroupDistances) -> GallerySize:
    gallery = matcher.gallery
    return GallerySize(
        path=gallery.place.name,
        references=len(gallery),
        groups=len(searched.groups),
        model=matcher.embedder.fingerprint,
    )


def _point(matcher: Matcher, rule: Rule) -> JudgedPoint:
    name, point = matcher.gallery.points.named(rule.point)
    return JudgedPoint(
        name=name,
        threshold=rule.limits.threshold,
        rate=point.rate,
        target=point.target,
        group_thresholds=len(rule.limits.groups),
        min_margin=point.min_margin,
        outdated=matcher.gallery.points.outdated(name),
    )


def _counts(queries: Queries, searched: GroupDistances, unreadable: int) -> QueryCounts:
    return QueryCounts(
        pictures=len(queries.records),
        mated=len(searched.mated),
        left_out=len(searched.left_out),
        strangers=len(searched.strangers),
        unreadable=unreadable,
    )
