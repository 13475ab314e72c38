"""The report as one page that loads nothing: every part of an evaluation, drawn and explained."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from likewise.evaluation.evaluate import Evaluation
from likewise.matcher import Matcher
from likewise.report.pictures import Strips
from likewise.report.plots import curve_plot, histogram_plot
from likewise.report.tables import FILTERS, confusion_table, figure_rows, tiles
from likewise.report.words import in_words, worst_confusions

CURVE_POINTS = 200


def html(evaluation: Evaluation, matcher: Matcher) -> str:
    """Draw the page; all text from data is escaped.

    Only our own SVG is marked as safe in the template: plots of numbers, and a map that escapes
    its labels.

    Args:
        evaluation: What to show.
        matcher: Embedder and gallery that were evaluated.
    """
    figures = evaluation.figures
    strips = Strips(evaluation, matcher)
    template = _templates().get_template("page.html.j2")
    return template.render(
        figures=figures,
        tiles=tiles(figures),
        verification=figure_rows(figures.verification.named()) if figures.verification else [],
        histogram=_histogram(evaluation),
        det=_det(evaluation),
        identification=figure_rows(figures.identification.named()),
        dir=_dir(evaluation),
        open_set={
            kind: figure_rows(against.named()) for kind, against in figures.unknown_groups.items()
        },
        confusion=confusion_table(figures.identification.confusion),
        confused=worst_confusions(figures.identification.confusion),
        in_words=in_words(figures.identification),
        retrieval=figure_rows(figures.retrieval.named()),
        pairs=strips.pairs(),
        errors=strips.errors(),
        map=strips.map(),
    )


def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("likewise.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= FILTERS
    return templates


def _histogram(evaluation: Evaluation) -> str:
    """The distances of the pairs; empty without any."""
    pairs, threshold = evaluation.pairs, evaluation.figures.operating_point.threshold
    return histogram_plot(pairs.same, pairs.different, threshold) if pairs else ""


def _det(evaluation: Evaluation) -> str:
    """The curve of the pairs; empty without any."""
    figures, pairs = evaluation.figures.verification, evaluation.pairs
    if figures is None or pairs is None:
        return ""
    return curve_plot(
        pairs.det.thinned(CURVE_POINTS),
        at=(figures.fmr.value, figures.fnmr.value),
        x_label="FMR: different pairs within the threshold",
        y_label="FNMR: same pairs beyond it",
        floor=1 / len(pairs.different),
    )


def _dir(evaluation: Evaluation) -> str:
    """The curve of detection and identification; empty without unknown pictures."""
    figures = evaluation.figures.identification
    if evaluation.identification is None or figures.fpir is None or not figures.fpir.trials:
        return ""
    return curve_plot(
        evaluation.identification.thinned(CURVE_POINTS),
        at=(figures.fpir.value, figures.fnir.value),
        x_label="FPIR: unknowns within the threshold",
        y_label="FNIR: knowns missed",
        floor=1 / figures.fpir.trials,
    )
