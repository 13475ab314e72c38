"""`likewise doctor`: examine a gallery."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from likewise.commands.console import note, progress_bar, write_json, write_text
from likewise.commands.galleries import gallery_argument
from likewise.commands.options import text_or_json_option

if TYPE_CHECKING:
    from index.address import Place


@click.command()
@gallery_argument
@text_or_json_option
@click.option(
    "--accept-older",
    is_flag=True,
    help="First accept references that are older than the last acknowledged change; what came "
    "after them is lost.",
)
@click.pass_context
def doctor(ctx: click.Context, gallery: Place, format_: str, accept_older: bool) -> None:
    """Check a GALLERY for damage, wrong labels, duplicates and outliers.

    Use it after adding many pictures, or when answers look wrong. It changes nothing, unless
    --accept-older is set. The exit status is 1 if the gallery is damaged, 0 if there is only
    advice.

    \b
    likewise doctor digits.gallery
    likewise doctor digits.gallery --format json
    """
    from likewise.commands.findings import examined, text

    if accept_older:
        _accept_older(gallery)
    with progress_bar(None) as done:
        examination = examined(gallery, done)
    if format_ == "json":
        write_json(examination.described())
    else:
        write_text(text(examination, str(gallery)))
    ctx.exit(1 if examination.broken else 0)


def _accept_older(gallery: Place) -> None:
    from embedder.text import counted
    from index import recovery

    state = recovery.accept_older(gallery)
    note(
        f"{gallery} goes on from {counted(state.count, 'reference')}, as generation "
        f"{state.generation}."
    )
