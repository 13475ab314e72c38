"""`likewise backup`: copy a gallery."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from likewise.commands.console import note
from likewise.commands.galleries import DirectoryName, gallery_argument

if TYPE_CHECKING:
    from index.address import Place


@click.command()
@gallery_argument
@click.argument("target", type=DirectoryName("Copy to it: likewise copy GALLERY TARGET"))
def backup(gallery: Place, target: Path) -> None:
    """Copy a GALLERY safely, even while another process writes to it.

    Use it instead of cp for a gallery in use, and to take one out of PostgreSQL. TARGET, a gallery
    itself, appears only once it is complete and every row is verified.

    \b
    likewise backup digits.gallery backups/monday.gallery
    """
    from embedder.text import counted
    from index.backup import back_up

    state = back_up(gallery, target)
    note(
        f"Copied {counted(state.count, 'reference')} of {gallery} to {target}, generation "
        f"{state.generation}; every row is verified."
    )
