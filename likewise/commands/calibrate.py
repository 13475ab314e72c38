"""`likewise calibrate`: measure a threshold."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from likewise.commands.console import note, note_unreadable, progress_bar, write_json
from likewise.commands.opening import read
from likewise.commands.options import (
    SHARE,
    Number,
    gallery_argument,
    min_margin_option,
    split_option,
    unknown_option,
)

COST = Number(0, min_open=True)


@click.command()
@gallery_argument
@click.argument("data", nargs=-1)
@click.option("--fpir", type=SHARE, help="Largest share of unknowns that are matched.")
@click.option(
    "--fmr", type=SHARE, help="Or largest share of pairs of two groups, for one-to-one comparison."
)
@click.option("--cost-false-match", type=COST, help="Or by cost ...")
@click.option("--cost-miss", type=COST, help="... of each error ...")
@click.option("--share-unknown", type=SHARE, help="... and how many queries will be unknown.")
@unknown_option
@click.option("--per-group", is_flag=True, help="Own thresholds for groups with enough queries.")
@min_margin_option
@click.option("--name", help="Name of the operating point.  [default: such as fpir-0.01]")
@split_option
def calibrate(
    gallery: Path, data: tuple[str, ...], unknown: tuple[str, ...], split: str | None, **wanted: Any
) -> None:
    """Measure the threshold for a wanted error rate, from then on the default.

    DATA are labelled pictures that are not in the gallery; each is asked with its own group, and
    as an unknown with its own group left out. Without DATA, the references are asked among each
    other, which is optimistic. Prints the measurements as a JSON object.

    \b
    likewise calibrate digits.gallery mnist/test --fpir 0.01
    likewise calibrate digits.gallery mnist/test --unknown letters/ --fpir 0.01
    likewise calibrate digits.gallery --cost-false-match 10 --cost-miss 1 --share-unknown 0.2
    """
    from likewise.calibration.calibrate import calibrate as measure
    from likewise.calibration.calibrate import wanted_cost
    from likewise.inputs import count_all
    from likewise.matcher import Matcher

    costs = (wanted.pop(name) for name in ("cost_false_match", "cost_miss", "share_unknown"))
    wanted["cost"] = wanted_cost(*costs)
    if [wanted[rate] for rate in ("fpir", "fmr", "cost")].count(None) != 2:
        raise click.UsageError(
            "Say which error rate is wanted: --fpir 0.01, or --fmr 0.001, or all of "
            "--cost-false-match 10 --cost-miss 1 --share-unknown 0.2."
        )
    pictures = [read(inputs, split) if inputs else None for inputs in (data, unknown)]
    total = count_all(filter(None, pictures))
    with Matcher.open(gallery) as matcher, progress_bar(total) as done:
        made = measure(matcher, *pictures, progress=done, **wanted)
    note_unreadable(made.unreadable)
    note("\n".join(made.sentences()))
    write_json({"name": made.name, **made.point.to_json()})
