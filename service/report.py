"""Write an evaluation as `report.json` and as one page, `report.html`, that needs nothing else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.records import Record
from service.errors import ReportError
from service.evaluating import Evaluation, Figure
from service.matcher import Matcher
from service.plots import curve_plot, histogram_plot, map_plot, png_address

JSON, PAGE = "report.json", "report.html"
PAIRS_SHOWN, ERRORS_SHOWN, NEIGHBOURS, MAPPED = 16, 12, 6, 400
_CURVE_POINTS = 200
_CONFUSION_LARGEST = 30  # groups beyond which the table of confusion would be no picture


def write_report(evaluation: Evaluation, matcher: Matcher, out: Path) -> None:
    """Write both files into a new directory, or over an earlier report, whole or not at all.

    Raises:
        ReportError: If `out` is there and is no report.
        OSError: If it cannot be written.
    """
    writable(out)
    page = html(evaluation, matcher)
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = out.with_name(f".{out.name}.{os.urandom(4).hex()}")
    staging.mkdir()
    try:
        figures = {**evaluation.figures, "curves": curves(evaluation)}
        (staging / JSON).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        (staging / PAGE).write_text(page, encoding="utf-8")
        if out.exists():
            shutil.rmtree(out)
        os.rename(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def writable(out: Path) -> None:
    """Refuse a place where a report would overwrite something else.

    Raises:
        ReportError: If `out` is there and is no report.
    """
    if out.exists() and not (
        out.is_dir() and {file.name for file in out.iterdir()} <= {JSON, PAGE}
    ):
        raise ReportError(
            f"Expected a new directory or an earlier report at {out}, but something else is there. "
            "Choose another path with --out."
        )


def sentences(figures: Figure, out: Path) -> list[str]:
    """Say what came out, a line each."""
    found, pairs = figures["identification"], figures["verification"]
    point = figures["operating_point"]
    return [
        f"rank-1 {percent(found['rank-1']['value'])}; EER {percent(pairs['EER']['value'])}; at "
        f"{point['name']}, {point['threshold']:.4f}: FNIR "
        f"{percent(found['FNIR at the threshold']['value'])}, FPIR "
        f"{percent(found['FPIR at the threshold']['value'])}.",
        f"{out / PAGE} shows the rest, {out / JSON} holds it.",
    ]


def curves(evaluation: Evaluation) -> Figure:
    """Both curves as lists, thinned to about 200 points each."""
    found = {"det": evaluation.det, "identification": evaluation.identification}
    thin = {name: curve.thinned(_CURVE_POINTS) for name, curve in found.items()}
    return {
        name: {
            "threshold": curve.thresholds.tolist(),
            "false": curve.false.tolist(),
            "missed": curve.missed.tolist(),
        }
        for name, curve in thin.items()
    }


def html(evaluation: Evaluation, matcher: Matcher) -> str:
    """Draw the page; whatever comes from data is escaped."""
    figures = evaluation.figures
    threshold = figures["operating_point"]["threshold"]
    det = evaluation.det.thinned(_CURVE_POINTS)
    dir_curve = evaluation.identification.thinned(_CURVE_POINTS)
    pictures = _Pictures(evaluation, matcher)
    parts = {
        "head": _head(figures),
        "summary": _summary(figures),
        "verification": _table(figures["verification"]),
        "histogram": histogram_plot(
            evaluation.same, evaluation.different, threshold, "distance of a pair"
        ),
        "det": curve_plot(
            det.false, det.missed, "FMR", "FNMR", floor=1 / len(evaluation.different)
        ),
        "identification": _table(figures["identification"]),
        "dir": curve_plot(
            dir_curve.false,
            dir_curve.missed,
            "FPIR",
            "FNIR",
            floor=1 / max(1, figures["identification"]["FPIR at the threshold"]["trials"]),
        ),
        "unknown": "".join(
            f"<h3>{escape(kind)}</h3>{_table(found)}"
            for kind, found in figures["unknown_groups"].items()
        ),
        "confusion": _confusion(figures["identification"]["confusion"]),
        "retrieval": _table(figures["retrieval"]),
        "groups": _groups(figures["groups"]),
        "pairs": pictures.pairs(),
        "errors": pictures.errors(),
        "map": pictures.map(),
    }
    page = files("service").joinpath("report.template.html").read_text(encoding="utf-8")
    return Template(page).substitute(parts)


# ------------------------------------------------------------ words and tables


def _head(figures: Figure) -> str:
    gallery, queries, overlap = figures["gallery"], figures["queries"], figures["overlap"]
    lines = [
        f"{queries['pictures']:,} pictures against {gallery['references']:,} references of "
        f"{gallery['groups']} groups in {escape(gallery['path'])}; model {gallery['model']}; "
        f"threshold {figures['operating_point']['threshold']:.4f} "
        f"({escape(figures['operating_point']['name'])}).",
        f"{queries['mated']:,} mated queries; non-mated: {queries['own group left out']:,} with "
        f"their own group left out and {queries['given as unknown']:,} given as unknown. "
        f"{queries['unreadable']:,} pictures could not be read and were left out.",
    ]
    if any(overlap[kind] for kind in ("references", "training", "calibration")):
        lines.append(
            f"<strong>Overlap was allowed: {overlap['references']:,} of these pictures are "
            f"references, {overlap['training'] or 0:,} were trained on, "
            f"{overlap['calibration']:,} chose the threshold. The figures are better than they "
            "would be on new pictures.</strong>"
        )
    elif overlap["training"] is None:
        lines.append(
            "None of these pictures is a reference or chose the threshold. Whether the embedder "
            "was trained on some cannot be told: its training pictures are not kept with it."
        )
    else:
        lines.append(
            "None of these pictures is a reference, was trained on or chose the threshold."
        )
    return "".join(f"<p>{line}</p>" for line in lines)


def _summary(figures: Figure) -> str:
    """The four figures that matter most."""
    identification, verification = figures["identification"], figures["verification"]
    chosen = {
        "nearest reference is of the right group (rank-1)": identification["rank-1"],
        "known pictures missed at the threshold (FNIR)": identification["FNIR at the threshold"],
        "unknown pictures matched at the threshold (FPIR)": identification["FPIR at the threshold"],
        "equal error rate of pairs (EER)": verification["EER"],
    }
    return "".join(
        f'<div class="tile"><b>{percent(figure["value"])}</b><span>{name}</span>'
        f"<small>{_bounds(figure)}</small></div>"
        for name, figure in chosen.items()
    )


def _table(figures: Figure) -> str:
    rows = []
    for name, figure in figures.items():
        if isinstance(figure, dict) and "value" in figure:
            distance = name == "EER threshold"
            value = f"{figure['value']:.4f}" if distance else percent(figure["value"])
            bounds = "" if distance else _bounds(figure)
            rows.append(f"<tr><th>{escape(name)}</th><td>{value}</td><td>{bounds}</td></tr>")
        elif figure is None:
            why = "too few pictures to support this rate"
            rows.append(f"<tr><th>{escape(name)}</th><td>–</td><td>{why}</td></tr>")
        elif isinstance(figure, int):
            rows.append(f"<tr><th>{escape(name)}</th><td>{figure:,}</td><td></td></tr>")
    return f"<table>{''.join(rows)}</table>"


def _bounds(figure: Figure) -> str:
    """The interval of a figure, or the range over the draws, in words."""
    if "interval" in figure:
        low, high = figure["interval"]
        counts = f"{figure['events']:,} of {figure['trials']:,}; " if "events" in figure else ""
        return f"{counts}95 %: {percent(low)} to {percent(high)}"
    low, high = figure["range"]
    return f"draws: {percent(low)} to {percent(high)}"


def percent(share: float) -> str:
    """Write a share in per cent, with digits enough for small ones.

    Example:
        >>> percent(0.99725), percent(0.00025), percent(1)
        ('99.72 %', '0.025 %', '100 %')
    """
    digits = 3 if 0 < share < 0.001 else 2
    return f"{100 * share:.{digits}f}".rstrip("0").rstrip(".") + " %"


def _confusion(confusion: Figure) -> str:
    names = ["none" if name is None else str(name) for name in confusion["names"]]
    if len(names) > _CONFUSION_LARGEST:
        return f"<p>{len(names)} groups: too many for a table here; report.json holds it.</p>"
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    rows = []
    for name, counts in zip(names, confusion["counts"], strict=True):
        if sum(counts):
            cells = "".join(
                f'<td class="{"right" if said == name else "wrong" if count else ""}">'
                f"{count or ''}</td>"
                for said, count in zip(names, counts, strict=True)
            )
            rows.append(f"<tr><th>{escape(name)}</th>{cells}</tr>")
    return f'<table class="confusion"><tr><td></td>{head}</tr>{"".join(rows)}</table>'


def _groups(groups: Sequence[Figure]) -> str:
    head = "".join(
        f"<th>{name}</th>"
        for name in (
            *("group", "references", "queries", "missed", "share", "95 %"),
            *("95 % are within", "threshold", "worst confused with"),
        )
    )
    rows = [
        f"<tr><th>{escape(row['group'])}</th><td>{row['references']:,}</td>"
        f"<td>{row['queries']:,}</td><td>{row['missed']['events']:,}</td>"
        f"<td>{percent(row['missed']['value'])}</td>"
        f"<td>{' to '.join(map(percent, row['missed']['interval']))}</td>"
        f"<td>{row['within_95']:.4f}</td><td>{row['threshold']:.4f}</td>"
        f"<td>{escape(row['worst_confused'] or '–')}</td></tr>"
        for row in groups
    ]
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(rows)}</table></div>'


# ------------------------------------------------------------ pictures


class _Pictures:
    """The parts of the page that show pictures."""

    def __init__(self, evaluation: Evaluation, matcher: Matcher) -> None:
        self.evaluation, self.matcher = evaluation, matcher
        self.rng = np.random.default_rng(evaluation.figures["seed"])

    def pairs(self) -> str:
        """16 random pairs, half of them of one label, as the tutorial shows them."""
        from embedder.pairs import pair_positions

        labelled = [at for at, one in enumerate(self.evaluation.records) if one.label is not None]
        labels = [str(self.evaluation.records[at].label) for at in labelled]
        seed = int(self.rng.integers(2**31))
        first, second, same = pair_positions(labels, seed=seed)
        some = self.rng.choice(len(first), min(PAIRS_SHOWN, len(first)), replace=False)
        threshold = self.evaluation.figures["operating_point"]["threshold"]
        shown = []
        for at in some.tolist():
            left, right = labelled[first[at]], labelled[second[at]]
            gap = self.evaluation.vectors[left].astype(np.float64) - self.evaluation.vectors[right]
            distance = float(np.linalg.norm(gap))
            judged = "right" if (distance <= threshold) == bool(same[at]) else "wrong"
            shown.append(
                f'<figure class="{judged}">{self._asked(left)}{self._asked(right)}'
                f"<figcaption>{'same' if same[at] else 'different'}, {distance:.3f}</figcaption>"
                "</figure>"
            )
        return f'<div class="strip">{"".join(shown)}</div>'

    def errors(self) -> str:
        """The worst missed queries, each with its nearest references."""
        worst = self.evaluation.wrong[:ERRORS_SHOWN]
        if not worst:
            return "<p>No known picture was missed.</p>"
        found = self.matcher.gallery.search(self.evaluation.vectors[worst], NEIGHBOURS)
        rows = []
        for at, missed, miss in zip(
            range(len(worst)), worst, self.evaluation.figures["missed"], strict=False
        ):
            said = "none" if miss["said"] is None else miss["said"]
            near = "".join(
                f'<figure class="{"right" if one.label == miss["label"] else "wrong"}">'
                f"{self._reference(one.id)}"
                f"<figcaption>{escape(one.label)}, {one.distance:.3f}</figcaption></figure>"
                for one in found[at]
            )
            rows.append(
                f'<div class="strip error"><figure class="asked">{self._asked(missed)}'
                f"<figcaption>{escape(miss['label'])}, said {escape(said)}<br>"
                f"<small>{escape(miss['id'])}</small></figcaption></figure>{near}</div>"
            )
        return "".join(rows)

    def map(self) -> str:
        """A sample of the labelled pictures in the plane of the two largest variances."""
        records = self.evaluation.records
        labelled = [at for at, record in enumerate(records) if record.label is not None]
        count = min(MAPPED, len(labelled))
        some = np.sort(self.rng.choice(labelled, count, replace=False)).tolist()
        places = _plane(self.evaluation.vectors[some])
        shown = self._prepared([records[at] for at in some])
        return map_plot(places, list(shown), [str(records[at].label) for at in some])

    def _asked(self, row: int) -> str:
        record = self.evaluation.records[row]
        [picture] = self._prepared([record])
        return f'<img alt="{escape(record.id)}" src="{png_address(picture)}">'

    def _reference(self, id: str) -> str:
        picture = self.matcher.gallery.get(id).picture
        return "" if picture is None else f'<img alt="{escape(id)}" src="{png_address(picture)}">'

    def _prepared(self, records: Iterable[Record]) -> npt.NDArray[np.uint8]:
        return self.matcher.embedder.prepare([record.pixels() for record in records])


def _plane(vectors: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Principal components 1 and 2 (Pearson 1901), `(n, 2)`; 0 where there is no second."""
    centred = vectors - vectors.mean(axis=0, dtype=np.float64)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    plane = centred @ directions[:2].T
    return np.pad(plane, ((0, 0), (0, 2 - plane.shape[1])))
