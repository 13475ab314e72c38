"""Write an evaluation as `report.json` and as one page, `report.html`, that needs nothing else."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from embedder.destination import is_below_file
from index.storage.drafts import draft, sweep_drafts
from index.storage.files import written
from likewise.errors import LikewiseError
from likewise.evaluation.evaluate import Evaluation
from likewise.evaluation.figures import Figures
from likewise.matcher import Matcher
from likewise.metrics.rates import Curve
from likewise.report.page import CURVE_POINTS, html
from likewise.report.tables import percent
from likewise.report.words import in_words

JSON, PAGE = "report.json", "report.html"


class ReportError(LikewiseError):
    """The report cannot be written to its place."""


def write_report(evaluation: Evaluation, matcher: Matcher, out: Path) -> None:
    """Write both files into a new directory, or over an earlier report, whole or not at all.

    Args:
        evaluation: The evaluation to write.
        matcher: Embedder and gallery that were evaluated.
        out: The directory.

    Raises:
        ReportError: If `out` exists and is not a report.
        OSError: If it cannot be written.
    """
    writable(out)
    figures = {**evaluation.figures.to_json(), "curves": curves(evaluation)}
    texts = {JSON: json.dumps(figures, indent=1) + "\n", PAGE: html(evaluation, matcher)}
    is_new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    try:
        with written(out), ExitStack() as drafts:  # both take their places once both are whole
            for name, text in texts.items():
                drafts.enter_context(draft(out / name)).write_bytes(text.encode())
    except BaseException:
        if is_new:
            with suppress(OSError):
                out.rmdir()
        raise


def writable(out: Path) -> None:
    """Refuse a place where a report would overwrite something else; sweep what killed ones left.

    Raises:
        ReportError: If `out` exists and is not a report, or lies below a file.
    """
    if is_below_file(out):
        raise ReportError(
            f"No directory can be made at {out}: a part of that path is no directory. Choose "
            "another with --out."
        )
    if out.is_dir():
        for name in (JSON, PAGE):
            sweep_drafts(out / name)
    if os.path.lexists(out) and not (
        out.is_dir() and {file.name for file in out.iterdir()} <= {JSON, PAGE}
    ):
        raise ReportError(
            f"Expected a new directory or an earlier report at {out}, but something else is there. "
            "Choose another path with --out."
        )


def sentences(figures: Figures, out: Path) -> list[str]:
    """Summarise the headline figures, a line each.

    Args:
        figures: All figures.
        out: Directory of the report.
    """
    searches, point, pairs = figures.identification, figures.operating_point, figures.verification
    eer = (
        "not measured, because the pictures make no pairs"
        if pairs is None
        else percent(pairs.eer.value)
    )
    fpir = "not measured, because no unknown picture was searched"
    if searches.fpir is not None:
        fpir = percent(searches.fpir.value)
    return [
        in_words(searches),
        f"rank-1 {percent(searches.rank_rates[1].value)}; "
        f"EER {eer}; at {point.name}, {point.threshold:.4f}: "
        f"FNIR {percent(searches.fnir.value)}, FPIR {fpir}.",
        f"{out / PAGE} shows the rest, {out / JSON} holds it.",
    ]


def curves(evaluation: Evaluation) -> dict[str, Any]:
    """The curves as lists, thinned to about 200 points each."""
    pairs = evaluation.pairs
    drawn = {
        "det": None if pairs is None else pairs.det,
        "identification": evaluation.identification,
    }
    return {name: _listed(curve) for name, curve in drawn.items() if curve is not None}


def _listed(curve: Curve) -> dict[str, Any]:
    thin = curve.thinned(CURVE_POINTS)
    return {
        "threshold": thin.thresholds.tolist(),
        "false": thin.false.tolist(),
        "missed": thin.missed.tolist(),
    }
