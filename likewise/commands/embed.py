"""`likewise embed`: write the embeddings of pictures."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from likewise.commands.clusters import cluster_for, ray_options, refuse_other_division
from likewise.commands.console import note, note_source, note_unreadable, progress_bar
from likewise.commands.galleries import GalleryName
from likewise.commands.opening import opened_embedder, read, read_unlabelled
from likewise.commands.options import (
    Reading,
    inputs_argument,
    model_option,
    reading_options,
)
from likewise.commands.outputs import output_option
from likewise.commands.sharding import shard_option, share_of

if TYPE_CHECKING:
    from index.address import Place
    from likewise.bulk.shard import Shard


@click.command()
@inputs_argument
@output_option(".npy .parquet", required=True)
@click.option("--gallery", type=GalleryName(), help="Use the model of this gallery.")
@model_option
@shard_option
@ray_options
@reading_options
def embed(
    inputs: tuple[str, ...],
    output: Path,
    gallery: Place | None,
    model: Path | None,
    shard: Shard | None,
    ray: str | None,
    shards: int | None,
    reading: Reading,
) -> None:
    """Write the embedding of each picture to a file.

    Use it to work with the vectors yourself, as in clustering. Rows are in input order; a .parquet
    file also has ids and labels, and in a .npy file an unreadable picture is a row of NaN. The
    file appears once it is complete.

    \b
    likewise embed scans/ -o vectors.parquet
    likewise embed mnist/test -o vectors.npy --model models/digits
    """
    from embedder.text import counted
    from likewise.bulk.embeddings import write_embeddings
    from likewise.output.cloud import shown

    refuse_other_division(ray, shards, shard)
    embedder = opened_embedder(gallery, model)
    unlabelled = output.suffix.lower() == ".npy"
    if unlabelled and (reading.level or reading.pattern):
        raise click.UsageError(
            "A .npy file has no labels: leave --label-level and --label-from out, or write a "
            ".parquet."
        )
    records = read_unlabelled(inputs, reading.split) if unlabelled else read(inputs, reading)
    with (
        cluster_for(ray, shards, records, gallery) as cluster,
        progress_bar(share_of(records, shard)) as done,
    ):
        if cluster is None:
            report = write_embeddings(embedder, records, output, shard=shard, progress=done)
        else:
            from likewise.bulk.elsewhere import Embedding, write_embeddings_of

            work = Embedding.of(embedder, gallery, model)
            report = write_embeddings_of(cluster, work, embedder.dim, records, output, done)
    note_source(records)
    note_unreadable(report.unreadable)
    for warning in report.remarks.warnings():
        note(warning)
    rows = counted(report.rows, "row")
    file = shown(output if shard is None else shard.part(output))
    note(f"Wrote {rows} of {counted(embedder.dim, 'number')} to {file}.")
