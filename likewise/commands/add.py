"""`likewise add`: add references to a gallery."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from likewise.commands.console import note, note_unreadable, progress_bar
from likewise.commands.opening import read_some
from likewise.commands.options import gallery_argument, inputs_argument, split_option

if TYPE_CHECKING:
    from embedder.data.records import Record
    from likewise.enrolment import AddReport
    from likewise.matcher import Matcher


@click.command()
@gallery_argument
@inputs_argument
@click.option("--label", help="Give all these pictures this label.")
@split_option
def add(gallery: Path, inputs: tuple[str, ...], label: str | None, split: str | None) -> None:
    """Add labelled pictures to a GALLERY.

    Use it to extend a gallery, or to correct it: a picture whose id exists already replaces that
    reference. Unchanged pictures are skipped, so an interrupted command can simply be repeated.

    \b
    likewise add digits.gallery more-digits/
    likewise add digits.gallery seven.png --label 7
    """
    from likewise.labelling import labelled_records
    from likewise.matcher import Matcher

    records = read_some(inputs, split)
    with Matcher.open(gallery) as matcher:
        labelled = records if label is None else labelled_records(records, label)
        enrol(matcher, labelled, records.count())


def enrol(matcher: Matcher, records: Iterable[Record], total: int | None) -> AddReport:
    """Add records to a gallery and report on stderr what became of them.

    Args:
        matcher: The open gallery and its embedder.
        records: Labelled pictures.
        total: Their number, for the progress bar, or None.

    Returns:
        How many were added, replaced, unchanged and unreadable.
    """
    from embedder.text import counted

    with progress_bar(total) as done:
        report: AddReport = matcher.add(records, progress=done)
    note_unreadable(report.unreadable)
    for warning in report.remarks.warnings():
        note(warning)
    note(
        f"{report.added} added, {report.replaced} replaced, {report.unchanged} unchanged, "
        f"{len(report.unreadable)} unreadable; {counted(len(matcher.gallery), 'reference')} of "
        f"{counted(matcher.gallery.count_groups(), 'group')} in {matcher.gallery.path}."
    )
    if report.total == len(report.unreadable):
        raise click.ClickException("No picture could be read: nothing was added.")
    return report
