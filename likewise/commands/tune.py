"""`likewise tune`: set how a gallery is searched."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from likewise.commands.console import note
from likewise.commands.galleries import gallery_argument
from likewise.commands.options import SHARE

if TYPE_CHECKING:
    from index.address import Place
    from index.search.setting import Asking, Way


@click.command()
@gallery_argument
@click.option(
    "--search",
    "way",
    type=click.Choice(["auto", "flat", "cells"]),
    help="How to search exactly: `flat` by a scan of all references, `cells` by cells, `auto` by "
    "what is measured to be faster.  [default: auto]",
)
@click.option(
    "--recall",
    type=SHARE,
    help="Search approximately, and find the nearest reference of this share of the queries.",
)
@click.option(
    "--recall-of",
    type=click.Choice(["both", "known"]),
    help="Queries for which --recall is promised: both known and unknown ones, or known ones "
    "alone, which is faster and loses more of the unknown.  [default: both]",
)
def tune(gallery: Place, way: str | None, recall: float | None, recall_of: str | None) -> None:
    """Set how a GALLERY is searched: exactly, or for millions approximately.

    Use it with --recall where millions of references make search too slow; it is exact unless you
    choose otherwise here. An approximate answer can lose a match, and never makes one. What it
    loses is measured on references without themselves (known) and without their groups (unknown),
    and shown by `info`. Where the promise cannot be shown to be kept, search stays exact.

    \b
    likewise tune digits.gallery --recall 0.99
    likewise tune digits.gallery --search auto
    """
    from index.search.setting import SearchSetting
    from likewise.commands.searching import lines, searched
    from likewise.matcher import Matcher

    if way is None and recall is None:
        raise click.UsageError("Give --recall for approximate search, or --search for exact.")
    if recall is None and recall_of is not None:
        raise click.UsageError("--recall-of needs --recall.")
    setting = SearchSetting(cast("Way", way or "auto"), recall, cast("Asking", recall_of or "both"))
    with Matcher.open(gallery) as matcher:
        matcher.gallery.choose_search(setting)
        how = matcher.gallery.how_searched()
        for line in lines(searched(how, matcher.gallery.points.all())):
            note(line)
