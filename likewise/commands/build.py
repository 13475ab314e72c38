"""`likewise build`: make a gallery."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from likewise.commands.add import enrol, report_added, warn_of_misfit
from likewise.commands.clusters import cluster_for, ray_options, refuse_other_division
from likewise.commands.console import note, note_source, note_unreadable, progress_bar
from likewise.commands.galleries import gallery_argument
from likewise.commands.opening import advising, no_option, read_some
from likewise.commands.options import (
    Reading,
    conflict_option,
    inputs_argument,
    labelling_options,
    model_option,
)
from likewise.commands.own_threshold import measure
from likewise.commands.sharding import shard_option, share_of

if TYPE_CHECKING:
    from embedder.data.records import Records
    from embedder.model import Embedder
    from index.address import Place
    from likewise.bulk.embeddings import EmbedReport
    from likewise.bulk.ray import Cluster
    from likewise.bulk.references import BuildOptions
    from likewise.bulk.shard import Shard
    from likewise.conflicts import OnConflict
    from likewise.matcher import Matcher
    from likewise.model_choice import Choice


@click.command()
@gallery_argument
@inputs_argument
@model_option
@conflict_option
@shard_option
@ray_options
@labelling_options
def build(
    gallery: Place,
    inputs: tuple[str, ...],
    model: Path | None,
    on_conflict: OnConflict,
    shard: Shard | None,
    ray: str | None,
    shards: int | None,
    reading: Reading,
) -> None:
    """Build a GALLERY from pictures, mostly labelled ones.

    Use it once, before query and check. Labels come from INPUT: a folder per label, a list with a
    column "label", or a data set. For pictures alone say what they are: --unlabelled, to search
    them and find duplicates, --label-each or --label. Without --model digits get the digits model,
    all other pictures the photos model.

    \b
    likewise build digits.gallery mnist/train
    likewise build shoes.gallery shoes/ --model models/shoes
    likewise build scans.gallery scans/ --unlabelled
    """
    refuse_other_division(ray, shards, shard)
    go_on = _add_command(gallery, inputs, reading, on_conflict)
    divided = shard is not None or ray is not None
    if divided and not isinstance(gallery, Path):
        raise click.ClickException(
            f"Many machines build a directory. Received: {gallery}. Build one with --shard or "
            f"--ray, then: likewise copy DIRECTORY {gallery}"
        )
    _check_free(gallery, go_on)
    records = read_some(inputs, reading)
    choice = _choice(inputs, records) if model is None else None
    if divided:
        assert isinstance(gallery, Path)
        embedder, options = _build_options(
            model or choice, records, on_conflict, reading.unlabelled
        )
        if shard is not None:
            _embed_shard(shard, gallery, records, embedder, options)
        else:
            with cluster_for(ray, shards, records, None) as cluster:
                assert cluster is not None
                _build_on(cluster, gallery, records, embedder, options)
        return
    with (
        _created(gallery, model or choice, go_on) as matcher,
        advising("build", gallery, inputs, reading.split),
    ):
        enrol(matcher, records, on_conflict, unlabelled=reading.unlabelled)
        if choice is None:
            warn_of_misfit(matcher, records)
        else:
            choice.note_in(matcher.gallery)
            if not choice.is_plain:
                note(choice.sentence)
        measure(matcher.gallery, gallery)


def _choice(inputs: tuple[str, ...], records: Records) -> Choice:
    """Choose a model where none is named; bundled digits are known without a look."""
    from embedder.data.bundled import is_bundled
    from likewise.model_choice import FOR_BUNDLED, choose, looked_at

    return FOR_BUNDLED if all(map(is_bundled, inputs)) else choose(looked_at(records)[0])


def _build_options(
    model: Path | Choice | None, records: Records, on_conflict: OnConflict, unlabelled: bool
) -> tuple[Embedder, BuildOptions]:
    """The model, and what all shards of a build agree in; says of it what a whole build would."""
    from embedder.model import Embedder
    from likewise.bulk.references import BuildOptions
    from likewise.model_choice import MISFIT, MODEL, Choice, misfit, sample

    if isinstance(model, Choice):
        if not model.is_plain:
            note(model.sentence)
        noted = {MODEL: model.sentence}
        options = BuildOptions(model.name, on_conflict, unlabelled, noted)
        return Embedder.load(model.name), options
    assert model is not None
    notes = {}
    embedder, again = Embedder.load(model), records.again()
    if again is not None and (sentence := misfit(embedder, sample(again))):
        note(f"Warning: {sentence}")
        notes[MISFIT] = sentence
    name = str(model.absolute()) if model.exists() else str(model)
    return embedder, BuildOptions(name, on_conflict, unlabelled, notes)


def _embed_shard(
    shard: Shard, gallery: Path, records: Records, embedder: Embedder, options: BuildOptions
) -> None:
    """Embed the pictures of a shard into its part of the gallery, for `likewise merge`."""
    from likewise.bulk.references import write_references

    gallery.parent.mkdir(parents=True, exist_ok=True)
    with progress_bar(share_of(records, shard)) as done:
        report = write_references(records, gallery, shard, embedder, options, progress=done)
    _report_part(report, records, shard.part(gallery), gallery)


def _build_on(
    cluster: Cluster, gallery: Path, records: Records, embedder: Embedder, options: BuildOptions
) -> None:
    """Let a cluster embed the pictures, and store what it makes; whole or not at all."""
    from likewise.bulk.assembling import assembled
    from likewise.bulk.elsewhere import Embedding
    from likewise.bulk.embeddings import EmbedReport
    from likewise.bulk.referencing import Referencing, references_of

    report = EmbedReport()
    embedding = Embedding.of(embedder, None, Path(options.model))
    work = Referencing(embedding, options.unlabelled, records.name)
    with (
        progress_bar(records.count()) as done,
        closing(references_of(cluster, work, embedder.dim, records, report, done)) as rows,
        assembled(gallery, options.settings(embedder), rows) as made,
    ):
        note_source(records)
        made.report.remarks.include(report.remarks)
        report_added(made.report, made.gallery, gallery)
        measure(made.gallery, gallery)


def _report_part(report: EmbedReport, records: Records, part: Path, gallery: Path) -> None:
    from embedder.text import counted

    note_source(records)
    note_unreadable(report.unreadable)
    for warning in report.remarks.warnings():
        note(warning)
    if not report.rows:
        note("Warning: no picture of this shard can become a reference.")
    note(
        f"Wrote {counted(report.rows, 'reference')} to {part}. Once all parts are there: "
        f"likewise merge {gallery}"
    )


def _check_free(gallery: Place, go_on: str) -> None:
    from index.address import Address
    from index.storage.directory import MANIFEST

    if isinstance(gallery, Address):
        from index.postgres.making import exists

        if exists(gallery):
            raise click.ClickException(f"{gallery} exists already. Add to it: {go_on}")
        return
    if (gallery / MANIFEST).exists():
        raise click.ClickException(f"{gallery} exists already. Add to it: {go_on}")
    if gallery.exists():
        raise click.ClickException(
            f"{gallery} exists already and is not a gallery: choose another path."
        )


@contextmanager
def _created(gallery: Place, model: Path | Choice | None, go_on: str) -> Iterator[Matcher]:
    """Make a gallery; if filling it fails, remove it empty, or say how to go on."""
    from embedder.model import Embedder
    from embedder.text import counted
    from likewise.building import close_or_discard
    from likewise.matcher import Matcher
    from likewise.model_choice import Choice

    embedder = model.load() if isinstance(model, Choice) else Embedder.load(model)
    matcher = Matcher.create(gallery, embedder)
    try:
        yield matcher
    except BaseException:
        if held := close_or_discard(matcher):
            note(f"{gallery} has {counted(held, 'reference')} so far. Continue: {go_on}")
        raise
    matcher.close()


def _add_command(
    gallery: Place, inputs: tuple[str, ...], reading: Reading, on_conflict: str
) -> str:
    """Spell out the command that adds inputs to a gallery."""
    from shlex import join

    words = [] if on_conflict == "error" else ["--on-conflict", on_conflict]
    return join(["likewise", "add", str(gallery), *map(no_option, inputs), *reading.words, *words])
