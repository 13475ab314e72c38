"""`likewise demo`: everything on real digits."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from likewise.commands.console import columns, has_colour, progress_bar, write_text
from likewise.commands.galleries import DirectoryName

if TYPE_CHECKING:
    from embedder.data.records import Record


@click.command()
@click.argument(
    "gallery",
    type=DirectoryName("Build one there: likewise build"),
    default="digits.gallery",
)
def demo(gallery: Path) -> None:
    """Demonstrate likewise on 70,000 handwritten digits.

    Use it for a first look: it builds a gallery (by default digits.gallery), queries it, compares
    pairs and checks 10,000 digits, in about a minute; then it does the same on a few drawings with
    the photos model, where that is installed.

    \b
    likewise demo
    """
    from likewise.commands.walkthrough import Terminal, demonstrate

    for line in demonstrate(gallery, Terminal(columns(), has_colour()), _with_progress):
        write_text(line)


def _with_progress(records: Iterable[Record], total: int) -> Iterator[Record]:
    with progress_bar(total) as done:
        for record in records:
            yield record
            done(1)
