"""`likewise info`: show what a gallery holds."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from likewise.commands.console import write_data, write_text
from likewise.commands.galleries import gallery_argument
from likewise.commands.options import text_or_json_option

if TYPE_CHECKING:
    from index.address import Place


@click.command()
@gallery_argument
@text_or_json_option
def info(gallery: Place, format_: str) -> None:
    """Show a GALLERY's groups, model, thresholds and size on disk.

    Use it to see what a gallery contains and which operating points --at can name.

    \b
    likewise info digits.gallery
    likewise info digits.gallery --format json
    """
    from likewise.commands.description import as_json, describe, text
    from likewise.matcher import Matcher

    with Matcher.open(gallery) as matcher:
        if format_ == "json":
            write_data(as_json(matcher))
        else:
            write_text(text(describe(matcher), matcher.gallery.count_groups()))
