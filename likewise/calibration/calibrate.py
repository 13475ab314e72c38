"""Calibrate a gallery: measure and store a threshold for a target error rate.

records ─QueryReader─▶ vectors ─Searches─▶ distances ─points─▶ OperatingPoint
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

import numpy as np

from embedder.data.records import Record
from index.gallery import Gallery
from index.operating_point import OperatingPoint
from likewise.bulk.stream import require_matcher
from likewise.calibration.made import MadeUnknowns
from likewise.calibration.points import point_for_cost, point_for_fmr, point_for_fpir
from likewise.calibration.searches import Searches
from likewise.calibration.summary import CROSS_VALIDATED, OPTIMISTIC, Calibration, point_name
from likewise.embedding import embed
from likewise.folds import Folds, require_alone, trained_on
from likewise.matcher import Matcher
from likewise.metrics.intervals import trials_needed
from likewise.metrics.thresholds import CalibrationError, Cost, require_share, require_support
from likewise.queries import Progress, QueryReader

_MOST_MADE = 10_000  # made unknowns, unless the target needs more
_TOO_LARGE = "so with them the threshold is too large: calibrate with other pictures"


def calibrate(
    matcher: Matcher,
    data: Iterable[Record] | None = None,
    unknown: Iterable[Record] | None = None,
    *,
    fpir: float | None = None,
    fmr: float | None = None,
    cost: Cost | None = None,
    per_group: bool = False,
    cross_validate: bool = False,
    made_unknowns: bool = False,
    min_margin: float | None = None,
    name: str | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Measure the threshold for a target error rate, and store it as the gallery's default.

    Args:
        matcher: Embedder and gallery.
        data: Labelled pictures that are not in the gallery. Those of the gallery's groups are
            asked with their group and, as unknowns, without it; those of other groups as unknowns,
            which must be the fewer. Pictures without a label are passed over.
            With neither `data` nor `unknown`, the references themselves, each among all others.
        unknown: Pictures of none of the gallery's groups.
        fpir: Target: largest share of unknowns that match.
        fmr: Or largest share of pairs of two groups within the threshold.
        cost: Or the costs of errors.
        per_group: Give each group with enough nearest unknowns its own threshold.
        cross_validate: Instead of `data` and `unknown`, divide the references into ten folds and
            search each fold among the others, once with its groups and once, as unknowns, each
            without its own. Near copies are in one fold, and one of them is searched.
        made_unknowns: Also ask as many unknowns that are made of `data`, such as halves of two
            pictures, for groups that are still to come; with `fpir`.
        min_margin: Stored with the point; the rates are measured without it, as it can only turn
            matches into `ambiguous`.
        name: Name of the point; by default its target, such as `fpir-0.01`.
        progress: Called with the number of further pictures that are done.

    Raises:
        CalibrationError: If there are too few pictures for the target; nothing is stored.
        UnlabelledError: If no picture of `data` has a label, or one of `unknown` a known one.
        UnmatchedLabelsError: If most pictures of `data` are of groups that the gallery lacks, or
            some of a group whose label is only spelled otherwise; nothing is stored.
        ValueError: If a rate is out of range, not just one of `fpir`, `fmr` and `cost` given,
            the name that of a point which the model brings along, or pictures came together with
            `cross_validate`.
        MatcherError: If a path came in place of an open gallery, `likewise.open(path)`.
        NoGroupsError: If no reference of the gallery has a label.
        GalleryError: If the gallery cannot be read or changed.

    Example:
        >>> import tempfile
        >>> from itertools import islice
        >>> from embedder.data.sources import records
        >>> from embedder.model import Embedder
        >>> with Matcher.create(f"{tempfile.mkdtemp()}/digits.gallery", Embedder.load()) as matcher:
        ...     report = matcher.add(islice(records("mnist/train"), 500))
        ...     calibration = calibrate(matcher, islice(records("mnist/test"), 400), fpir=0.01)
        >>> calibration.name, calibration.point.queries, calibration.point.measured <= 0.01
        ('fpir-0.01', 400, True)
    """
    require_matcher(matcher)
    _require_one_rate(fpir, fmr, cost, per_group)
    margin = None if min_margin is None else _margin(min_margin)
    if made_unknowns and (fpir is None or data is None):
        raise ValueError("Made unknowns need `fpir`, a target FPIR, and `data` to make them of.")
    if cross_validate:
        require_alone(data, unknown)
    if name in matcher.embedder.operating_points:
        raise ValueError(
            f"{name!r} is the model's own operating point, which stays as it is: "
            "choose another name."
        )
    gallery = matcher.gallery
    gallery.neighbours_of(1)  # an empty gallery is refused here
    gallery.require_groups()
    size, generation = len(gallery), gallery.generation
    done = progress or (lambda done: None)
    reader = QueryReader(matcher, "calibration", skip_references=True, progress=done)
    searches = Searches(gallery, pairs=fmr is not None)
    aside: list[str] = []
    made = MadeUnknowns() if made_unknowns else None
    if cross_validate:
        aside = _cross_validated(searches, gallery, done)
        contents, measured_on = None, CROSS_VALIDATED
    elif data is None and unknown is None:
        searches.add_references(done)
        contents, measured_on = None, OPTIMISTIC
    else:
        reader.seen = made.see if made else reader.seen
        contents = _searched(reader, searches, data, unknown)
        reader.join.require()
        measured_on = f"{len(contents)} pictures that are not in the gallery"
    if reader.remarks.are_most:
        raise CalibrationError(
            f"Most of the pictures are nearly one grey value: {reader.remarks.first}. Pass other "
            "pictures, or scale their values to 0..255."
        )
    _require_unknowns(searches, reader, None if contents is None else len(contents))
    if made is not None and fpir is not None:
        _add_made(matcher, searches, made, fpir)
    point = replace(
        _point(searches, [*reader.passed_over(), *aside], fpir, fmr, cost, per_group),
        gallery_size=size,
        generation=generation,
        measured_on=measured_on,
        min_margin=margin,
    )
    name = point_name(point) if name is None else name
    gallery.points.store(name, point, unknown=searches.pool.distances, contents=contents or [])
    passed_over = [*reader.passed_over(), *aside]
    if contents is None:
        passed_over += trained_on(matcher, _TOO_LARGE)
    return Calibration(name, point, reader.skipped, reader.unreadable, reader.remarks, passed_over)


def _require_one_rate(
    fpir: float | None, fmr: float | None, cost: Cost | None, per_group: bool
) -> None:
    if [fpir, fmr, cost].count(None) != 2:
        raise ValueError(
            f"Give exactly one of `fpir`, `fmr` and `cost`. Received: {fpir}, {fmr}, {cost}."
        )
    for rate, target in (("fpir", fpir), ("fmr", fmr)):
        if target is not None:
            require_share(rate, target)
    if per_group and fpir is None:
        raise ValueError("Thresholds by group need `fpir`, a target FPIR.")


def _searched(
    reader: QueryReader,
    searches: Searches,
    data: Iterable[Record] | None,
    unknown: Iterable[Record] | None,
) -> list[bytes]:
    """Search all pictures batch by batch; return their content hashes."""
    contents: list[bytes] = []
    for batch in chain(reader.labelled(data or ()), reader.unknown(unknown or ())):
        searches.add(batch.vectors, batch.labels)
        contents += batch.contents
    return contents


def _add_made(matcher: Matcher, searches: Searches, made: MadeUnknowns, target: float) -> None:
    """Search made unknowns: as many as there are others, and enough for the target.

    The others must support the target by themselves: any number can be made.
    """
    require_support("A target FPIR", target, len(searches.pool), "non-mated queries")
    count = max(trials_needed(target), min(len(searches.pool), _MOST_MADE))
    for pictures in made.made(count):
        vectors, has_vector = embed(matcher.embedder, pictures)
        searches.add_made(vectors[has_vector])


def _cross_validated(searches: Searches, gallery: Gallery, done: Progress) -> list[str]:
    """Search the folds of the references; report those that were not searched."""
    folds = Folds.of(gallery)
    searches.add_folds(folds, done)
    return folds.not_searched()


def _require_unknowns(searches: Searches, reader: QueryReader, pictures: int | None) -> None:
    """Refuse searches without a non-mated query; `pictures` is None for the references alone."""
    if len(searches.pool):
        return
    if pictures == 0:
        if reader.skipped:
            raise CalibrationError(
                f"All {reader.skipped} readable pictures are in the gallery, so each would find "
                "itself. Pass other pictures, or none to search the references among each other."
            )
        if reader.unreadable:
            raise CalibrationError(f"No picture could be read: {': '.join(reader.unreadable[0])}.")
        raise CalibrationError("The input has no pictures.")
    raise CalibrationError(
        "There are no unknown queries: without its only group the gallery is empty. Pass "
        "pictures of unknown groups."
    )


def _point(
    searches: Searches,
    passed_over: list[str],
    fpir: float | None,
    fmr: float | None,
    cost: Cost | None,
    per_group: bool,
) -> OperatingPoint:
    try:
        if fpir is not None:
            return point_for_fpir(searches, fpir, per_group)
        if fmr is not None:
            return point_for_fmr(searches, fmr)
        assert cost is not None
        return point_for_cost(searches, cost)
    except CalibrationError as error:
        if not passed_over:
            raise
        raise CalibrationError(" ".join([str(error), *passed_over])) from error


def _margin(value: float) -> float:
    if not 0 <= value < np.inf:
        raise ValueError(f"`min_margin` must be a finite number >= 0. Received: {value!r}.")
    return float(value)
