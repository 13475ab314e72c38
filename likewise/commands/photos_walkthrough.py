"""The demonstration of the photos model on drawn things, as lines of text."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from operator import eq
from pathlib import Path

from embedder.photos.model import INSTALL, is_installed
from likewise.building import build
from likewise.commands.drawn_things import drawn_things
from likewise.commands.neighbours import show_neighbours

_EACH, _ASKED = 12, 4  # pictures of each kind that are drawn, and how many of these are asked about


def demonstrate_photos(columns: int, colour: bool) -> Iterator[str]:
    """Build a gallery of drawn things with the photos model, and ask for others of their kinds.

    Args:
        columns: Width of the terminal.
        colour: Whether it shows 24-bit colour.

    Yields:
        Lines of text, each as soon as it is known.
    """
    if not is_installed():
        yield f"\nPhotographs and other pictures need one more package: {INSTALL}"
        return
    yield "\nNot only digits: drawn houses, trees, fish, cups and flags, with the photos model ..."
    drawn = list(drawn_things(_EACH))
    asked = [record for place, record in enumerate(drawn) if place % _EACH < _ASKED]
    known = [record for place, record in enumerate(drawn) if place % _EACH >= _ASKED]
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        with build(Path(folder, "things.gallery"), known) as matcher:
            answers = matcher.query(asked)
            seconds = time.monotonic() - started
            right = sum(map(eq, answers.labels[:, 0], (record.label for record in asked)))
            yield f"  nearest of {len(known)} is of the same kind: {right} of {len(asked)}"
            yield f"  {len(drawn)} pictures in {seconds:.1f} s"
            for place in (0, 2 * _ASKED):
                picture, title = asked[place].pixels(), f"a {asked[place].label}"
                yield ""
                yield from show_neighbours(
                    matcher, picture, title, answers[place], columns=columns, colour=colour
                )
