"""`likewise merge`: put the parts of a sharded output together."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from likewise.commands.add import report_added
from likewise.commands.console import note
from likewise.commands.outputs import MergedName, stored
from likewise.commands.own_threshold import measure

if TYPE_CHECKING:
    from likewise.bulk.parts import Part


@click.command()
@click.argument("output", type=MergedName())
@partial(stored, with_parts=True)
def merge(output: Path) -> None:
    """Put the parts of a sharded output together.

    Use it once all shards of `likewise check --shard I/N -o OUTPUT`, of `likewise embed`, or of
    `likewise build OUTPUT` have ended, and all OUTPUT.part-I-of-N lie beside OUTPUT. Writes the
    file that one run without --shard would write, byte for byte, or makes its gallery. Refuses
    parts that are missing, damaged, or of other galleries, options or inputs. The parts stay;
    remove them when you like.

    \b
    likewise check digits.gallery mnist/test --shard 1/2 -o rows.csv
    likewise check digits.gallery mnist/test --shard 2/2 -o rows.csv
    likewise merge rows.csv
    """
    from embedder.text import counted
    from likewise.bulk.merging import merge_parts
    from likewise.bulk.parts import makers, read_parts
    from likewise.bulk.references import BUILD
    from likewise.output.cloud import shown

    parts = read_parts(output)
    if len(made_by := makers(parts)) > 1:
        note(
            "Warning: the parts were made by different processors or versions, so that distances "
            f"may differ in their last digits: {'; '.join(made_by)}."
        )
    if parts[0].settings.get("job") == BUILD:
        _merge_gallery(output, parts)
    else:
        merged = merge_parts(output, parts)
        rows, of = counted(merged.rows, "row"), counted(merged.parts, "part")
        note(f"Wrote {rows} of {of} to {shown(output)}.")


def _merge_gallery(output: Path, parts: list[Part]) -> None:
    """Make a gallery of the parts of a build, and report as `likewise build` does."""
    from likewise.bulk.assembling import assembled
    from likewise.bulk.references import read_references

    with assembled(output, parts[0].settings, read_references(parts)) as made:
        report_added(made.report, made.gallery, output)
        measure(made.gallery, output)
