"""`likewise compare`: compare two pictures."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from pathlib import Path

import click

from likewise.commands.console import write_json
from likewise.commands.opening import opened_model, read
from likewise.commands.options import at_option, model_option


@click.command()
@click.argument("first", metavar="IMAGE")
@click.argument("second", metavar="IMAGE")
@click.option("--gallery", type=click.Path(path_type=Path), help="Use its model and threshold.")
@model_option
@at_option
def compare(
    first: str, second: str, gallery: Path | None, model: Path | None, at: str | None
) -> None:
    """Print the distance between two pictures, and whether it is a match.

    \b
    likewise compare seven.png other-seven.png
    likewise compare mnist/test/00000 mnist/test/00017 --gallery digits.gallery
    """
    from likewise.comparison import compare_row

    embedder, threshold = opened_model(gallery, model, at)
    write_json(compare_row(read([first]), read([second]), embedder, threshold))
