"""`likewise remove`: remove references from a gallery."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from likewise.commands.console import note, stdin_lines
from likewise.commands.galleries import gallery_argument

if TYPE_CHECKING:
    from index.address import Place


@click.command()
@gallery_argument
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--missing-ok", is_flag=True, help="Ignore ids that are not in the gallery.")
def remove(gallery: Place, ids: tuple[str, ...], missing_ok: bool) -> None:
    """Remove references from a GALLERY by id.

    Use it to drop wrong or outdated references; `likewise query` and `likewise doctor` print their
    ids. An ID of - reads ids from stdin, one a line.

    \b
    likewise remove digits.gallery mnist/train/00017
    """
    from embedder.data.records import as_text
    from embedder.text import counted
    from index.gallery import Gallery

    typed = (filter(None, stdin_lines()) if word == "-" else [word] for word in ids)
    wanted = [as_text(id) for part in typed for id in part]  # as `add` spells a file's name
    if "" in wanted:
        raise click.UsageError(
            "An ID is an empty text, perhaps from an unset variable: give the id of a reference."
        )
    with Gallery.open(gallery) as opened:
        missing = [] if missing_ok else [id for id in wanted if id not in opened]
        if missing:
            others = f" and lacks {len(missing) - 1} more of these ids" if len(missing) > 1 else ""
            raise click.ClickException(
                f"{gallery} has no reference {missing[0]!r}{others}; nothing was removed. "
                "Ignore them with --missing-ok."
            )
        removed = opened.remove(wanted)
        note(f"{removed} removed, {counted(len(opened), 'reference')} in {gallery}.")
