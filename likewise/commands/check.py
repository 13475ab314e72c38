"""`likewise check`: decide which group each picture belongs to."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from likewise.commands.console import note, progress_bar, write_rows
from likewise.commands.errors import INTERRUPTED
from likewise.commands.opening import opened_for_asking
from likewise.commands.options import (
    DISTANCE,
    at_option,
    evidence_option,
    format_option,
    gallery_argument,
    inputs_argument,
    min_margin_option,
    neighbours_option,
    output_option,
    split_option,
)

if TYPE_CHECKING:
    from likewise.bulk.job import Job
    from likewise.matcher import Matcher


@click.command()
@gallery_argument
@inputs_argument
@click.option("--group", metavar="LABEL", help="Ask about one group: is it of this one or not?")
@neighbours_option
@click.option(
    "--threshold",
    type=DISTANCE,
    help="Largest distance that is a match.  [default: the operating point's]",
)
@min_margin_option
@at_option
@evidence_option
@format_option
@output_option(".jsonl .csv .parquet")
@click.option("--resume", is_flag=True, help="With -o: go on with a run that was cut off.")
@split_option
def check(
    gallery: Path,
    inputs: tuple[str, ...],
    format_: str,
    output: Path | None,
    resume: bool,
    split: str | None,
    **options: Any,
) -> None:
    """Decide for each picture which group it belongs to, if any.

    Prints one JSON object per picture: match, no_match, ambiguous, or error for a picture that
    cannot be read. No match is an answer: the exit status is 0.

    Ids and labels are written to a CSV as they are. A spreadsheet may run an id or label that
    begins with =, +, - or @ as a formula: import those columns as text.

    \b
    likewise check digits.gallery scans/ -o rows.csv
    likewise check digits.gallery seven.png --group 7
    find . -name '*.png' | likewise check digits.gallery -
    """
    if options["threshold"] is not None and options["at"] is not None:
        raise click.UsageError("Give --threshold or --at, not both.")
    if resume and output is None:
        raise click.UsageError("--resume needs -o FILE: it goes on with what FILE.partial holds.")
    with (
        opened_for_asking(gallery, inputs, split) as (matcher, records),
        progress_bar(records.count()) as done,
    ):
        from index.decision import CheckOptions
        from likewise.bulk.job import Job
        from likewise.inputs import located

        job = Job(matcher, records, located(inputs), CheckOptions(**options), done)
        if options["threshold"] is None:
            _warn_if_outdated(matcher, gallery, options["at"])
        if output is None:
            write_rows(job.rows(), job.columns, format_, None)
        else:
            _into_file(job, output, resume)
    _summarise(job)


def _warn_if_outdated(matcher: Matcher, gallery: Path, at: str | None) -> None:
    if change := matcher.gallery.points.outdated(at):
        from likewise.calibration.summary import command

        again = command(str(gallery), *matcher.gallery.points.named(at))
        note(f"Warning: {change}. Calibrate again: {again}")


def _into_file(job: Job, output: Path, resume: bool) -> None:
    """Run a job into a file; after Ctrl-C or on a full disk say how to go on."""
    kept = f"What is done is kept in {output}.partial: go on with --resume."
    try:
        job.into(output, resume=resume)
    except KeyboardInterrupt:
        note(f"Interrupted. {kept}")
        click.get_current_context().exit(INTERRUPTED)
    except OSError:
        if job.earlier or job.summary.total:
            note(kept)
        raise


def _summarise(job: Job) -> None:
    before = f"; {job.earlier} were done before" if job.earlier else ""
    if job.summary.total or before:
        note(job.summary.sentence(job.seconds) + before)
    else:
        note("No picture came: nothing was checked.")
