"""`likewise merge`: put the parts of a sharded output together."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from pathlib import Path

import click

from likewise.commands.console import note
from likewise.commands.options import OutputFile


@click.command()
@click.argument("output", type=OutputFile(".jsonl .csv .parquet .npy"))
def merge(output: Path) -> None:
    """Put the parts of a sharded output together.

    Use it once all shards of `likewise check --shard I/N -o OUTPUT` or `likewise embed` have ended,
    and all OUTPUT.part-I-of-N lie beside OUTPUT. Writes the file that one run without --shard would
    write, byte for byte. Refuses parts that are missing, damaged, or of other galleries, options or
    inputs. The parts stay; remove them when you like.

    \b
    likewise check digits.gallery mnist/test --shard 1/2 -o rows.csv
    likewise check digits.gallery mnist/test --shard 2/2 -o rows.csv
    likewise merge rows.csv
    """
    from embedder.text import counted
    from likewise.bulk.merging import merge_parts

    merged = merge_parts(output)
    if len(merged.makers) > 1:
        note(
            "Warning: the parts were made by different processors or versions, so that distances "
            f"may differ in their last digits: {'; '.join(merged.makers)}."
        )
    rows, parts = counted(merged.rows, "row"), counted(merged.parts, "part")
    note(f"Wrote {rows} of {parts} to {output}.")
