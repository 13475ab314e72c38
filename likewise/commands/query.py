"""`likewise query`: find the nearest references of pictures."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from likewise.commands.clusters import holding_options, require_holding, spread_references
from likewise.commands.console import (
    columns,
    has_colour,
    note,
    note_source,
    note_unreadable,
    write_rows,
    write_text,
)
from likewise.commands.galleries import gallery_argument
from likewise.commands.opening import opened_for_asking
from likewise.commands.options import (
    at_option,
    decode_timeout_option,
    evidence_option,
    format_option,
    inputs_argument,
    neighbours_option,
    split_option,
)
from likewise.commands.outputs import is_given, output_option

if TYPE_CHECKING:
    from embedder.data.records import Record
    from index.address import Place
    from likewise.matcher import Matcher


@click.command()
@gallery_argument
@inputs_argument
@neighbours_option
@format_option
@output_option(".jsonl .csv .parquet")
@click.option(
    "--pictures", is_flag=True, help="Draw the pictures in the terminal instead of printing rows."
)
@at_option
@evidence_option
@holding_options
@split_option
@decode_timeout_option
def query(
    gallery: Place,
    inputs: tuple[str, ...],
    k: int,
    pictures: bool,
    at: str | None,
    evidence: bool,
    ray: str | None,
    parts: int | None,
    split: str | None,
    **to: Any,
) -> None:
    """Find the nearest references of each picture.

    Use it to see what a picture resembles; to decide whether it belongs, use `likewise check`.
    Prints one JSON object per picture.

    \b
    likewise query digits.gallery mnist/test/00042
    likewise query digits.gallery seven.png --pictures
    likewise query digits.gallery scans/ -k 1 -o rows.csv
    """
    if at is not None and not evidence:
        raise click.UsageError("--at needs --evidence: a query alone uses no operating point.")
    if pictures and (to["output"] is not None or is_given("format_")):
        raise click.UsageError("Use --pictures, or -o or --format: pictures are for a terminal.")
    require_holding(ray, parts)
    with opened_for_asking(gallery, inputs, split, here=ray is None) as (matcher, records):
        spread_references(matcher.gallery, ray, parts)
        from index.decision import CheckOptions
        from likewise.bulk.stream import query_stream
        from likewise.output.columns import columns as columns_of
        from likewise.remarks import Remarks

        if pictures:
            _draw(matcher, records, k)
        else:
            options = CheckOptions(k=k, at=at, evidence=evidence)
            rows = query_stream(matcher, records, options)
            names = columns_of(matcher.gallery.neighbours_of(k), decided=False, evidence=evidence)
            remarks = Remarks()
            write_rows(remarks.of_rows(rows), names, **to)
            for warning in remarks.warnings():
                note(warning)
        note_source(records)


def _draw(matcher: Matcher, records: Iterator[Record], k: int) -> None:
    """Draw each query beside its nearest references."""
    from embedder.errors import ImageError
    from likewise.commands.neighbours import show_neighbours

    for record in records:
        try:
            picture = record.pixels()
        except ImageError as error:
            note_unreadable([(record.id, str(error))])
            continue
        nearest = matcher.query([picture], k)[0]
        lines = show_neighbours(
            matcher, picture, record.id, nearest, columns=columns(), colour=has_colour()
        )
        write_text("\n".join(lines) + "\n")
