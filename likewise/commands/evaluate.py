"""`likewise evaluate`: measure how reliable the answers of a gallery are."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from likewise.commands.clusters import holding_options, require_holding, spread_references
from likewise.commands.console import note, note_source, note_unreadable, progress_bar
from likewise.commands.galleries import gallery_argument
from likewise.commands.opening import read_both, refuse_beside_cross_validation
from likewise.commands.options import Reading, reading_options, unknown_option

if TYPE_CHECKING:
    from index.address import Place


@click.command()
@gallery_argument
@click.argument("data", nargs=-1)
@unknown_option
@click.option(
    "--cross-validate",
    is_flag=True,
    help="Search the references themselves, in ten folds, each among the others.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Directory to write the report to.",
)
@click.option(
    "--at", metavar="NAME", help="Operating point to judge.  [default: the gallery's default]"
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Random seed of all sampling.")
@click.option(
    "--seeds",
    type=click.IntRange(1, 100),
    default=5,
    help="Number of random draws, whose range is shown beside the figure of all of them.",
)
@click.option(
    "--allow-overlap",
    is_flag=True,
    help="Accept pictures that training, the gallery or calibration has seen.",
)
@holding_options
@reading_options
def evaluate(
    gallery: Place,
    data: tuple[str, ...],
    unknown: tuple[str, ...],
    out: Path,
    reading: Reading,
    ray: str | None,
    parts: int | None,
    **settings: Any,
) -> None:
    """Measure how reliable a GALLERY's answers are.

    Use it before you rely on a gallery. DATA are labelled pictures that neither training nor the
    gallery nor calibration has seen. Where the gallery uses up all your pictures, --cross-validate
    measures with its references. Writes report.json and report.html, one self-contained page.

    \b
    likewise evaluate digits.gallery mnist/test --out report
    likewise evaluate digits.gallery mnist/test --unknown letters/ --out report
    likewise evaluate faces.gallery --cross-validate --out report
    """
    from likewise.evaluation.evaluate import evaluate as measure
    from likewise.inputs import count_all
    from likewise.matcher import Matcher
    from likewise.report.write import sentences, writable, write_report

    require_holding(ray, parts)
    refuse_beside_cross_validation(settings["cross_validate"], data, unknown)
    if not (data or settings["cross_validate"]):
        raise click.UsageError(
            "Give labelled pictures that the gallery has not seen, DATA; or --cross-validate, to "
            "measure with its references."
        )
    writable(out)
    known, strangers = read_both(data, unknown, reading)
    total = count_all(filter(None, (known, strangers)))
    with Matcher.open(gallery) as matcher, progress_bar(total) as done:
        spread_references(matcher.gallery, ray, parts)
        evaluation = measure(matcher, known, strangers, progress=done, **settings)
        write_report(evaluation, matcher, out)
    note_source(known, strangers)
    note_unreadable(evaluation.figures.unreadable)
    asked = evaluation.asked
    lines = [*asked.passed_over, *sentences(evaluation.figures, out)]
    note("\n".join([*lines, *asked.remarks.warnings()]))
