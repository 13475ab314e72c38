"""`likewise upgrade`: give a gallery another model."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from likewise.commands.console import note, note_source, progress_bar
from likewise.commands.galleries import gallery_argument
from likewise.commands.opening import read_unlabelled
from likewise.commands.options import split_option

if TYPE_CHECKING:
    from index.address import Place
    from likewise.upgrading import UpgradeReport


@click.command()
@gallery_argument
@click.argument("inputs", metavar="[INPUT]...", nargs=-1)
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    required=True,
    help="The new model's directory, as written by `likewise train` or `likewise import`; or "
    "`digits` or `photos`, the models that have a name.",
)
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    help="References whose decisions before and after are compared.",
)
@split_option
def upgrade(
    gallery: Place, inputs: tuple[str, ...], model: Path, sample: int, split: str | None
) -> None:
    """Embed the references of a GALLERY again, with another model.

    Use it when you have trained a better model. Ids, labels and metadata stay; calibrated
    thresholds go, since they belong to the old distances. The gallery is replaced in one step at
    the end. INPUT, the pictures by their ids, is needed only where the new model prepares pictures
    in another way: of another size, or in colour.

    \b
    likewise upgrade digits.gallery --model models/better
    likewise upgrade shoes.gallery --model models/better shoes/
    """
    from likewise.upgrading import upgrade as upgraded

    records = read_unlabelled(inputs, split) if inputs else ()
    with progress_bar(None) as done:
        report = upgraded(gallery, model, records, sample=sample, progress=done)
    if records:
        note_source(records)
    for line in _described(gallery, report):
        note(line)


def _described(gallery: Place, report: UpgradeReport) -> list[str]:
    from embedder.text import counted

    count = report.from_gallery + report.from_data
    lines = [
        f"Embedded {counted(count, 'reference')} of {gallery} with the new model: "
        f"{report.from_gallery} from the pictures in the gallery, {report.from_data} from INPUT."
    ]
    if report.dropped:
        names = ", ".join(report.dropped)
        lines.append(f"Dropped what was calibrated for the old model: {names}. Calibrate again.")
    if report.own is not None:
        lines.append(report.own.sentence(str(gallery)))
    if report.compared:
        kinds = ", ".join(
            f"{number} {before} to {after if after != before else 'another group'}"
            for (before, after), number in report.changes.most_common()
        )
        lines.append(
            f"Of {counted(report.compared, 'reference')}, each asked against the others, "
            f"{report.changes.total()} get another decision{': ' + kinds if kinds else ''}."
        )
    else:
        lines.append(
            "Decisions were not compared: one of the models has no threshold, or there "
            "are fewer than two references."
        )
    return lines
