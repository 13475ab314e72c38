"""`likewise compare`: compare two pictures."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from likewise.commands.console import note, write_json
from likewise.commands.galleries import GalleryName
from likewise.commands.opening import opened_model, read_unlabelled
from likewise.commands.options import at_option, decode_timeout_option, model_option

if TYPE_CHECKING:
    from index.address import Place


@click.command()
@click.argument("first", metavar="IMAGE")
@click.argument("second", metavar="IMAGE")
@click.option(
    "--gallery",
    type=GalleryName(),
    help="Use the model and threshold of this gallery.",
)
@model_option
@at_option
@decode_timeout_option
def compare(
    first: str, second: str, gallery: Place | None, model: Path | None, at: str | None
) -> None:
    """Compare two pictures: print their distance and whether they match.

    Use it when there is no gallery, only the question whether two pictures show the same thing.

    \b
    likewise compare seven.png other-seven.png
    likewise compare mnist/test/00000 mnist/test/00017 --gallery digits.gallery
    """
    from likewise.comparison import compare_row

    embedder, threshold = opened_model(gallery, model, at)
    one, other = (list(read_unlabelled([image])) for image in (first, second))
    row = compare_row(one, other, embedder, threshold)
    if gallery is None:
        from likewise.model_choice import misfit

        if sentence := misfit(embedder, [*one, *other]):
            note(f"Warning: {sentence}")
        elif threshold is None:
            note("This model brings no threshold to decide by: name a --gallery, which has one.")
    write_json(row)
