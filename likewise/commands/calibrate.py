"""`likewise calibrate`: measure a threshold."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from likewise.commands.clusters import holding_options, require_holding, spread_references
from likewise.commands.console import note, note_source, note_unreadable, progress_bar, write_json
from likewise.commands.galleries import gallery_argument
from likewise.commands.opening import read_both, refuse_beside_cross_validation
from likewise.commands.options import (
    SHARE,
    Number,
    Reading,
    min_margin_option,
    reading_options,
    unknown_option,
)

COST = Number(0, min_open=True)

if TYPE_CHECKING:
    from index.address import Place
    from likewise.metrics.thresholds import Cost


@click.command()
@gallery_argument
@click.argument("data", nargs=-1)
@click.option(
    "--fpir",
    type=SHARE,
    help="Target false positive identification rate: share of unknown pictures that match.",
)
@click.option(
    "--fmr",
    type=SHARE,
    help="Target false match rate: share of pairs of different groups that match.",
)
@click.option(
    "--cost-false-match",
    type=COST,
    help="Cost of matching an unknown picture; needs the next two options.",
)
@click.option(
    "--cost-miss", type=COST, help="Cost of missing a picture whose group is in the gallery."
)
@click.option("--share-unknown", type=SHARE, help="Expected share of unknown pictures among all.")
@unknown_option
@click.option(
    "--per-group",
    is_flag=True,
    help="Also measure a threshold for each group that has enough pictures in DATA.",
)
@click.option(
    "--cross-validate",
    is_flag=True,
    help="Measure with the references alone, in ten folds, each searched among the others.",
)
@click.option(
    "--made-unknowns",
    is_flag=True,
    help="Also ask as many unknowns made of DATA's pictures, such as halves of two: for groups "
    "that are still to come.",
)
@min_margin_option
@click.option(
    "--name", help="Name to store the threshold under.  [default: from the rate, such as fpir-0.01]"
)
@holding_options
@reading_options
def calibrate(
    gallery: Place,
    data: tuple[str, ...],
    unknown: tuple[str, ...],
    reading: Reading,
    ray: str | None,
    parts: int | None,
    **wanted: Any,
) -> None:
    """Set a GALLERY's threshold for the error rate that you want.

    Use it once you have labelled pictures that are not in the gallery: DATA. Each is searched
    twice, once against the whole gallery and once, as an unknown, with its own group left out.
    Without DATA the references are searched against each other, which gives optimistic rates;
    --cross-validate also keeps near copies apart, for galleries that use up all your pictures.
    Give exactly one target: --fpir, --fmr or the three of cost.

    The threshold is stored in the gallery and becomes its default. Prints the measurements as
    JSON.

    \b
    likewise calibrate digits.gallery mnist/test --fpir 0.01
    likewise calibrate digits.gallery mnist/test --unknown letters/ --fpir 0.01
    likewise calibrate faces.gallery --cross-validate --fpir 0.01
    likewise calibrate digits.gallery --cost-false-match 10 --cost-miss 1 --share-unknown 0.2
    """
    from likewise.calibration.calibrate import calibrate as measure
    from likewise.inputs import count_all
    from likewise.matcher import Matcher

    wanted["cost"] = _cost(
        **{name: wanted.pop(name) for name in ("cost_false_match", "cost_miss", "share_unknown")}
    )
    if [wanted[rate] for rate in ("fpir", "fmr", "cost")].count(None) != 2:
        raise click.UsageError(
            "Give exactly one target: --fpir 0.01, or --fmr 0.001, or all of "
            "--cost-false-match 10 --cost-miss 1 --share-unknown 0.2."
        )
    if wanted["made_unknowns"] and (wanted["fpir"] is None or not data):
        raise click.UsageError(
            "--made-unknowns is for --fpir, and makes unknowns of DATA: name labelled pictures "
            "that are not in the gallery."
        )
    require_holding(ray, parts)
    refuse_beside_cross_validation(wanted["cross_validate"], data, unknown)
    pictures = read_both(data, unknown, reading)
    total = count_all(filter(None, pictures))
    with Matcher.open(gallery) as matcher, progress_bar(total) as done:
        spread_references(matcher.gallery, ray, parts)
        calibration = measure(matcher, *pictures, progress=done, **wanted)
    note_source(*pictures)
    note_unreadable(calibration.unreadable)
    note("\n".join(calibration.sentences()))
    try:
        write_json({"name": calibration.name, **calibration.point.to_json()})
    except OSError:
        note(f"{gallery} has the threshold {calibration.name} all the same.")
        raise


def _cost(**numbers: float | None) -> Cost | None:
    from likewise.metrics.thresholds import Cost

    given = [value for value in numbers.values() if value is not None]
    if not given:
        return None
    missing = [f"--{name.replace('_', '-')}" for name, value in numbers.items() if value is None]
    if missing:
        raise click.UsageError(
            f"A threshold by cost needs three numbers. Missing: {' and '.join(missing)}."
        )
    return Cost(*given)
