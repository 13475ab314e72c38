"""The report as one page that loads nothing: every part of an evaluation, drawn and explained."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template

from likewise.evaluation.evaluate import Evaluation
from likewise.evaluation.figures import Figure
from likewise.matcher import Matcher
from likewise.report.pictures import Strips
from likewise.report.plots import curve_plot, histogram_plot
from likewise.report.tables import confusion_table, figures_table, groups_table, percent, tiles

CURVE_POINTS = 200
_EXCLUDED_SHOWN = 20


def html(evaluation: Evaluation, matcher: Matcher) -> str:
    """Draw the page; whatever comes from data is escaped."""
    figures, pairs = evaluation.figures, evaluation.pairs
    strips = Strips(evaluation, matcher)
    parts = {
        "head": _head(figures),
        "tiles": tiles(figures),
        "verification": figures_table("Pairs", figures["verification"]),
        "histogram": histogram_plot(pairs.same, pairs.different, _threshold(figures)),
        "det": _det(evaluation),
        "identification": figures_table("Searches", figures["identification"]),
        "dir": _dir(evaluation),
        "open_set": "".join(
            figures_table(f"Unknowns: {kind}", found)
            for kind, found in figures["unknown_groups"].items()
        ),
        "confusion": confusion_table(figures["identification"]["confusion"]),
        "retrieval": figures_table("Ranked references", figures["retrieval"]),
        "groups": groups_table(figures["groups"]),
        "pairs": strips.pairs(),
        "errors": strips.errors(),
        "map": strips.map(),
        "excluded": _excluded(figures),
    }
    page = files("likewise.report").joinpath("report.template.html").read_text(encoding="utf-8")
    return Template(page).substitute(parts)


def _threshold(figures: Figure) -> float:
    return float(figures["operating_point"]["threshold"])


def _det(evaluation: Evaluation) -> str:
    found = evaluation.figures["verification"]
    return curve_plot(
        evaluation.pairs.det.thinned(CURVE_POINTS),
        at=(found["FMR at the threshold"]["value"], found["FNMR at the threshold"]["value"]),
        x_label="FMR: different pairs within the threshold",
        y_label="FNMR: same pairs beyond it",
        floor=1 / len(evaluation.pairs.different),
    )


def _dir(evaluation: Evaluation) -> str:
    fpir, fnir = (
        evaluation.figures["identification"][f"{rate} at the threshold"]
        for rate in ("FPIR", "FNIR")
    )
    if evaluation.identification is None:
        return "<p>No picture was asked as an unknown: the gallery has one group alone.</p>"
    return curve_plot(
        evaluation.identification.thinned(CURVE_POINTS),
        at=(fpir["value"], fnir["value"]),
        x_label="FPIR: unknowns within the threshold",
        y_label="FNIR: knowns missed",
        floor=1 / fpir["trials"],
    )


def _head(figures: Figure) -> str:
    gallery, queries = figures["gallery"], figures["queries"]
    lines = [
        f"{queries['pictures']:,} pictures were asked of {gallery['references']:,} references of "
        f"{gallery['groups']} groups in {escape(gallery['path'])} (model {gallery['model']}). "
        f"{queries['mated']:,} are of its groups: each of these was asked as it is, to be found, "
        f"and {queries['own group left out']:,} once more with their own group left out, as "
        "unknowns."
        + (
            f" {queries['given as unknown']:,} are of other groups or given as unknown."
            * bool(queries["given as unknown"])
        ),
        _promise(figures["operating_point"]),
        _seen(figures["overlap"]),
    ]
    return "".join(f"<p>{line}</p>" for line in lines)


def _promise(point: Figure) -> str:
    """Say what the threshold was set for."""
    told = f"The threshold is {point['threshold']:.4f} ({escape(point['name'])}). "
    if point["rate"] is None:
        told += (
            "It is the embedder's own, from pairs, and promises nothing about unknown groups: "
            "<code>likewise calibrate</code> sets one that does."
        )
    elif point["target"] is not None:
        told += f"It was set for an {point['rate'].upper()} of at most {percent(point['target'])}."
    else:
        told += "It was set for the least expected cost."
    if point["group_thresholds"]:
        told += (
            f" {point['group_thresholds']:,} groups have thresholds of their own (“Group by "
            "group”), and go by them in all searches; pairs go by the common one."
        )
    if point["min_margin"]:
        told += (
            f" Its least margin to the runner-up, {point['min_margin']:.4f}, is not applied here: "
            "it can only turn matches into <em>ambiguous</em>."
        )
    if point["outdated"]:
        told += f" <strong>But {escape(point['outdated'])}.</strong>"
    return told


def _seen(overlap: Figure) -> str:
    """Say whether pictures were seen before, by gallery, embedder or calibration."""
    if any(overlap[kind] for kind in ("references", "training", "calibration")):
        return (
            f"<strong>Overlap was allowed: {overlap['references']:,} of these pictures are "
            f"references, {overlap['training'] or 0:,} were trained on, "
            f"{overlap['calibration']:,} chose the threshold. The figures are better than they "
            "would be on new pictures.</strong>"
        )
    if overlap["training"] is None:
        return (
            "None of these pictures is a reference or chose the threshold. Whether the embedder "
            "was trained on some cannot be told: its training pictures are not kept with it."
        )
    return "None of these pictures is a reference, was trained on or chose the threshold."


def _excluded(figures: Figure) -> str:
    """Say which pictures came and were not asked."""
    unreadable = figures["unreadable"]
    if not unreadable:
        return "<p>Nothing was left out: every picture could be read.</p>"
    shown = "".join(
        f"<li>{escape(id)}: {escape(why)}</li>"
        for id, why in list(unreadable.items())[:_EXCLUDED_SHOWN]
    )
    more = len(unreadable) - _EXCLUDED_SHOWN
    return (
        f"<p>Pictures that could not be read: {len(unreadable):,}.</p>"
        f"<ul>{shown}"
        f"{f'<li>and {more:,} more: report.json has all</li>' if more > 0 else ''}</ul>"
    )
