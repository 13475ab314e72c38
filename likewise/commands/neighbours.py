"""A query and its nearest references side by side, as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from index.neighbours import Neighbour
from likewise.arrays import Pixels
from likewise.commands.half_blocks import GAP, Panel, panel_width, side_by_side
from likewise.matcher import Matcher

_NARROWEST = 12  # columns in which a digit is still recognisable


def show_neighbours(
    matcher: Matcher,
    picture: Pixels,
    title: str,
    nearest: Sequence[Neighbour],
    *,
    columns: int,
    colour: bool,
) -> list[str]:
    """Draw a query, then its nearest references with label and distance under each.

    Args:
        matcher: Embedder and gallery.
        picture: The query.
        title: Caption of the query.
        nearest: Its neighbours; as many as fit are drawn.
        columns: Width of the terminal.
        colour: Whether it shows 24-bit colour.

    Returns:
        Lines of text.
    """
    fitting = max(1, (columns + GAP) // (_NARROWEST + GAP) - 1)
    shown = nearest[:fitting]
    panels = [Panel(matcher.embedder.prepare([picture])[0], (title, "query"))]
    panels += [_reference(matcher, near) for near in shown]
    return side_by_side(panels, panel_width(len(panels), columns), colour=colour)


def _reference(matcher: Matcher, near: Neighbour) -> Panel:
    stored = matcher.gallery.get(near.id).picture
    blank = np.zeros(matcher.embedder.input_shape, np.uint8)
    captions = (near.label or "", f"{near.distance:.4f}")
    return Panel(blank if stored is None else stored, captions)
