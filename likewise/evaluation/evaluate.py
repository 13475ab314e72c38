"""Evaluate a gallery on labelled pictures that it has not seen: every figure, with its interval.

    records ─embed_stream─▶ vectors ─Gallery.nearest_by_group─▶ distances ─evaluation─▶ figures

Does not write files and does not draw (`report`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from embedder.data.records import Record
from likewise.arrays import Floats
from likewise.evaluation.asked import Asked
from likewise.evaluation.figures import Figure
from likewise.evaluation.identification import by_group, identification, misses
from likewise.evaluation.open_set import GIVEN, LEFT_OUT, open_set
from likewise.evaluation.retrieval import retrieval
from likewise.evaluation.searched import Searched
from likewise.evaluation.verification import Verification, verification
from likewise.matcher import Matcher
from likewise.metrics.identification import identification_curve
from likewise.metrics.rates import Curve


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What was measured, and what is needed to draw it.

    Attributes:
        figures: All figures, as they stand in `report.json`.
        records: The n pictures that were asked, data first, then those given as unknown.
        vectors: Their embeddings, `(n, dim)`.
        pairs: Distances of pairs, and FMR and FNMR over the threshold.
        identification: FPIR and FNIR over the threshold; None without any unknown.
        wrong: Rows of the mated queries that were missed, the nearest wrong group first.
    """

    figures: Figure
    records: list[Record]
    vectors: Floats
    pairs: Verification
    identification: Curve | None
    wrong: list[int]


def evaluate(
    matcher: Matcher,
    data: Iterable[Record],
    unknown: Iterable[Record] | None = None,
    *,
    at: str | None = None,
    seed: int = 0,
    seeds: int = 5,
    allow_overlap: bool = False,
    progress: Callable[[int], object] = lambda done: None,
) -> Evaluation:
    """Measure how well a gallery answers for pictures that it has not seen.

    Args:
        matcher: Embedder and gallery.
        data: Labelled pictures. Those of the gallery's groups are mated queries and, with their
            own group left out, non-mated ones; those of other groups are non-mated.
        unknown: Further pictures of none of the gallery's groups.
        at: Operating point to judge; the default one when None.
        seed: Of all sampling; with it the report is the same each time.
        seeds: How often pairs, and queries to rank all references for, are drawn.
        allow_overlap: Measure even where pictures are references, were trained on, or chose the
            threshold.
        progress: Called with the number of further pictures that are done.

    Raises:
        OverlapError: If a picture is a reference, was trained on, or was calibrated with, unless
            that is allowed.
        UnlabelledError: If a picture of `data` has no label, or one of `unknown` a known one.
        ValueError: If too few pictures came to measure anything.
        GalleryError: If the gallery cannot be read or has no such operating point.
    """
    matcher.neighbours_of(1)  # an empty gallery is refused here
    asked = Asked(matcher)
    asked.take(data, progress, labelled=True)
    asked.take(unknown or [], progress, labelled=False)
    overlap = asked.overlap(at, allow_overlap)
    found = Searched(asked, at)
    with ThreadPoolExecutor(1, "retrieval") as pool:  # beside the pairs, which take about as long
        ranked = pool.submit(_ranked, found, seed, seeds)
        pairs = _pairs(found, seed, seeds)
    wrong, missed = misses(found)
    figures = {
        **_told(found),
        "overlap": overlap,
        "seed": seed,
        "verification": pairs.figures,
        "identification": identification(found),
        "unknown_groups": open_set(found, seed),
        "retrieval": ranked.result(),
        "groups": by_group(found),
        "unreadable": dict(asked.unreadable),
        "missed": missed,
    }
    nearest = found.unknown.distances
    curve = identification_curve(found.mated, nearest) if len(nearest) else None
    return Evaluation(figures, asked.records, asked.vectors, pairs, curve, wrong)


def _pairs(found: Searched, seed: int, draws: int) -> Verification:
    """Pairs of all pictures that have a label, of groups that the gallery has not too."""
    records = found.asked.records
    labelled = [row for row, record in enumerate(records) if record.label is not None]
    return verification(
        found.asked.vectors[labelled],
        [str(records[row].label) for row in labelled],
        found.limits.threshold,
        seed=seed,
        draws=draws,
    )


def _ranked(found: Searched, seed: int, draws: int) -> Figure:
    """Rank all references for some of the mated queries."""
    asked = found.asked
    return retrieval(
        asked.vectors[found.known],
        found.mated.labels,
        asked.references,
        asked.reference_labels,
        seed=seed,
        draws=draws,
    )


def _told(found: Searched) -> Figure:
    """Tell what was asked of what."""
    gallery, asked = found.asked.matcher.gallery, found.asked
    _, point = gallery.point(found.point)
    return {
        "gallery": {
            "path": gallery.path.name,
            "references": len(gallery),
            "groups": len(found.names),
            "model": asked.matcher.embedder.fingerprint,
        },
        "operating_point": {
            "name": found.point,
            "threshold": found.limits.threshold,
            "rate": point.get("rate"),
            "target": point.get("target"),
            "group_thresholds": len(found.limits.groups),
            "min_margin": point.get("min_margin"),
            "outdated": gallery.outdated(found.point),
        },
        "queries": {
            "pictures": len(asked.records),
            "mated": len(found.known),
            LEFT_OUT: len(found.left_out),
            GIVEN: len(found.strangers),
            "unreadable": len(asked.unreadable),
        },
    }
