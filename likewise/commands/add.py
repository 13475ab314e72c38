"""`likewise add`: add references to a gallery."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from likewise.commands.console import note, note_source, note_unreadable, progress_bar
from likewise.commands.galleries import gallery_argument
from likewise.commands.opening import advising, read_some
from likewise.commands.options import Reading, conflict_option, inputs_argument, labelling_options
from likewise.commands.own_threshold import measure

if TYPE_CHECKING:
    from embedder.data.records import Records
    from index.address import Place
    from index.gallery import Gallery
    from likewise.add_report import AddReport
    from likewise.conflicts import OnConflict
    from likewise.matcher import Matcher


@click.command()
@gallery_argument
@inputs_argument
@conflict_option
@labelling_options
def add(
    gallery: Place,
    inputs: tuple[str, ...],
    on_conflict: OnConflict,
    reading: Reading,
) -> None:
    """Add pictures to a GALLERY.

    Use it to extend a gallery, or to correct it: with --on-conflict replace, a picture whose id
    exists already replaces that reference. Unchanged pictures are skipped, so an interrupted
    command can simply be repeated.

    \b
    likewise add digits.gallery more-digits/
    likewise add digits.gallery seven.png --label 7
    likewise add shoes.gallery more-shoes/ --unlabelled
    """
    from likewise.matcher import Matcher

    records = read_some(inputs, reading)
    with Matcher.open(gallery) as matcher, advising("add", gallery, inputs, reading.split):
        enrol(matcher, records, on_conflict, unlabelled=reading.unlabelled)
        warn_of_misfit(matcher, records)
        is_without = matcher.gallery.points.default is None  # as after a build that was cut off
        if is_without and matcher.gallery.count_groups():
            measure(matcher.gallery, gallery)


def warn_of_misfit(matcher: Matcher, records: Records) -> None:
    """Warn on stderr, and in the gallery, of pictures that its model was plainly not made for.

    Args:
        matcher: The open gallery and its embedder.
        records: The pictures; those that can be read only once are not looked at.
    """
    from likewise.model_choice import note_misfit

    if sentence := note_misfit(matcher.embedder, matcher.gallery, records):
        note(f"Warning: {sentence}")


def enrol(
    matcher: Matcher, records: Records, on_conflict: OnConflict, *, unlabelled: bool
) -> AddReport:
    """Add records to a gallery and report on stderr what became of them.

    Args:
        matcher: The open gallery and its embedder.
        records: Labelled pictures, their number, and what there is to say of their source.
        on_conflict: What becomes of a picture whose id another has.
        unlabelled: Whether they become references without a group.

    Returns:
        How many were added, replaced, unchanged and unreadable.
    """
    with progress_bar(records.count()) as done:
        report: AddReport = matcher.add(
            records, unlabelled=unlabelled, on_conflict=on_conflict, progress=done
        )
    note_source(records)
    report_added(report, matcher.gallery, matcher.gallery.place)
    if report.total == len(report.unreadable):
        raise click.ClickException("No picture could be read: nothing was added.")
    return report


def report_added(report: AddReport, gallery: Gallery, place: Place) -> None:
    """Report on stderr what became of pictures.

    Args:
        report: Their outcome.
        gallery: Where they are now.
        place: The gallery's name for the user.
    """
    from embedder.text import counted
    from likewise.commands.sizes import size
    from likewise.names import examples

    note_unreadable(report.unreadable)
    if report.unlabelled:
        pictures, shown = counted(len(report.unlabelled), "picture"), examples(report.unlabelled)
        note(f"Passed over as without a label: {pictures}, {shown}.")
    for warning in report.remarks.warnings():
        note(warning)
    counts = {"skipped": report.skipped, "renamed": report.renamed}
    others = "".join(f"{count} {name}, " for name, count in counts.items() if count)
    held = size(len(gallery), gallery.count_groups(), gallery.count_unlabelled())
    note(
        f"{report.added} added, {report.replaced} replaced, {report.unchanged} unchanged, {others}"
        f"{len(report.unreadable)} unreadable; {held} in {place}."
    )
