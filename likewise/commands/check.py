"""`likewise check`: decide which group each picture belongs to."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from likewise.commands.clusters import (
    cluster_for,
    parts_option,
    ray_options,
    refuse_other_division,
    require_holding,
    spread_references,
)
from likewise.commands.console import note, note_source, progress_bar, write_rows
from likewise.commands.errors import INTERRUPTED
from likewise.commands.galleries import gallery_argument
from likewise.commands.opening import opened_for_asking
from likewise.commands.options import (
    DISTANCE,
    at_option,
    decode_timeout_option,
    evidence_option,
    format_option,
    inputs_argument,
    min_margin_option,
    neighbours_option,
    split_option,
)
from likewise.commands.outputs import output_option
from likewise.commands.sharding import shard_option, share_of

if TYPE_CHECKING:
    from embedder.data.records import Record
    from index.address import Place
    from index.decision import CheckOptions
    from likewise.bulk.job import Job
    from likewise.bulk.shard import Shard
    from likewise.bulk.summary import Summary
    from likewise.matcher import Matcher


@click.command()
@gallery_argument
@inputs_argument
@click.option(
    "--group",
    metavar="LABEL",
    help="Ask about this group only: does the picture belong to it or not?",
)
@neighbours_option
@click.option(
    "--threshold",
    type=DISTANCE,
    help="Largest distance that still matches.  [default: the operating point's]",
)
@min_margin_option
@at_option
@evidence_option
@format_option
@output_option(".jsonl .csv .parquet")
@click.option("--resume", is_flag=True, help="Continue an interrupted run; needs -o.")
@shard_option
@ray_options
@parts_option
@split_option
@decode_timeout_option
def check(
    gallery: Place,
    inputs: tuple[str, ...],
    format_: str,
    output: Path | None,
    resume: bool,
    shard: Shard | None,
    ray: str | None,
    shards: int | None,
    parts: int | None,
    split: str | None,
    **options: Any,
) -> None:
    """Decide which group each picture belongs to, if any.

    Use it for one picture or for millions. Prints one JSON object per picture, whose decision is
    match, no_match, ambiguous, or error for an unreadable picture. The exit status is 0 even if
    nothing matches.

    Ids and labels are written to CSV unchanged. Import these columns as text: a spreadsheet may
    run a cell that begins with =, +, - or @ as a formula.

    \b
    likewise check digits.gallery scans/ -o rows.csv
    likewise check digits.gallery seven.png --group 7
    find . -name '*.png' | likewise check digits.gallery -
    """
    if options["threshold"] is not None and options["at"] is not None:
        raise click.UsageError("Use --threshold or --at, not both.")
    if resume and output is None:
        raise click.UsageError("--resume needs -o FILE: it continues FILE.partial.")
    if resume and output is not None:
        _refuse_resumed_in_cloud(output)
    if shard is not None and output is None:
        raise click.UsageError("--shard needs -o FILE: it writes FILE.part-I-of-N.")
    if parts is not None:
        require_holding(ray, parts)
    elif ray is not None and output is None:
        raise click.UsageError("--ray needs -o FILE: it can be continued from FILE.partial.")
    refuse_other_division(ray, shards, shard, parts)
    if shard is not None:
        from likewise.bulk.shard import require_local

        require_local(gallery)
    with (
        opened_for_asking(gallery, inputs, split, here=ray is None) as (matcher, records),
        cluster_for(ray if parts is None else None, shards, records, gallery) as cluster,
        progress_bar(share_of(records, shard)) as done,
    ):
        spread_references(matcher.gallery, ray, parts)
        from index.decision import CheckOptions

        check_options = CheckOptions(**options)
        if output is None:
            summary, earlier = _to_stdout(matcher, records, check_options, format_, done), 0
        else:
            from likewise.bulk.job import Job
            from likewise.inputs import located

            job = Job(matcher, records, located(inputs), check_options, done, cluster)
            _warn_of_threshold(matcher, check_options)
            _to_file(job, output, resume, shard)
            summary, earlier = job.summary, job.earlier
    note_source(records)
    _summarise(summary, earlier)


def _refuse_resumed_in_cloud(output: Path) -> None:
    from likewise.output.cloud import is_made_here, shown

    if is_made_here(output):
        raise click.UsageError(
            f"--resume needs a file on a disk. Received: {shown(output)}. Divide the work into "
            "more shards, of which a lost one is run again."
        )


def _to_stdout(
    matcher: Matcher,
    records: Iterable[Record],
    options: CheckOptions,
    format_: str,
    progress: Callable[[int], object],
) -> Summary:
    """Write the rows as they come."""
    from likewise.bulk.stream import check_stream
    from likewise.bulk.summary import Summary
    from likewise.output.columns import columns

    names = columns(
        matcher.gallery.neighbours_of(options.k), decided=True, evidence=options.evidence
    )
    summary = Summary()
    with closing(check_stream(matcher, records, options)) as rows:
        _warn_of_threshold(matcher, options)
        write_rows(summary.counted(rows, progress), names, format_, None)
    return summary


def _to_file(job: Job, output: Path, resume: bool, shard: Shard | None) -> None:
    """Write a job into a file; after Ctrl-C or on a full disk say how to go on."""
    from likewise.output.cloud import is_made_here, shown

    file = output if shard is None else shard.part(output)
    how_to_continue = f"The rows so far are kept in {file}.partial: continue with --resume."
    if is_made_here(output):
        how_to_continue = f"Nothing was written to {shown(file)}."
    try:
        job.write(output, resume=resume, shard=shard)
    except KeyboardInterrupt:
        begun = job.earlier or job.summary.total
        note(f"Interrupted. {how_to_continue}" if begun else "Interrupted.")
        click.get_current_context().exit(INTERRUPTED)
    except OSError:
        if job.earlier or job.summary.total:
            note(how_to_continue)
        raise


def _warn_of_threshold(matcher: Matcher, options: CheckOptions) -> None:
    """Warn where the gallery has changed since it was measured, or where it misses most.

    A calibration says itself that its threshold misses most.
    """
    points = matcher.gallery.points
    if options.threshold is not None:
        return
    name, point = points.named(options.at)
    if change := points.outdated(options.at):
        from likewise.calibration.summary import command

        again = command(str(matcher.gallery.place), name, point)
        note(f"Warning: {change}. Calibrate again: {again}")
    if point.misses_most:
        from likewise.calibration.own import is_own
        from likewise.separation import warning

        if is_own(name, point) or name in matcher.embedder.operating_points:
            note(f"Warning: {warning(point)}")


def _summarise(summary: Summary, earlier: int) -> None:
    before = f"; {earlier} were done in an earlier run" if earlier else ""
    if summary.total or before:
        note(summary.sentence() + before)
    else:
        note("The input has no pictures: nothing was checked.")
    for warning in summary.remarks.warnings():
        note(warning)
