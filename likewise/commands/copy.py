"""`likewise copy`: copy a gallery between a directory and a database."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from likewise.commands.console import note, progress_bar
from likewise.commands.galleries import GalleryName, gallery_argument

if TYPE_CHECKING:
    from index.address import Place


@click.command()
@gallery_argument
@click.argument("target", type=GalleryName())
def copy(gallery: Place, target: Place) -> None:
    """Copy a GALLERY to TARGET: a directory, or a name in PostgreSQL.

    Use it to move a gallery into PostgreSQL, where many machines share it, and out again. TARGET
    must not exist; it appears only once it is complete. A copy that was cut off goes on with the
    same command. References, thresholds, their evidence and
    the model stay the same to the bit, and others may write to GALLERY meanwhile.

    \b
    likewise copy shoes.gallery postgresql://db.example/shop#shoes
    likewise copy postgresql://db.example/shop#shoes shoes.gallery
    """
    from embedder.text import counted
    from index.backup import copy_gallery

    with progress_bar(None, "references") as done:
        state = copy_gallery(gallery, target, progress=done)
    note(
        f"Copied {counted(state.count, 'reference')} of {gallery} to {target}, generation "
        f"{state.generation}; every row is verified."
    )
