"""The map as SVG text: dots in the colours of their groups, the groups' names, some pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from embedder.text import counted
from likewise.arrays import Doubles
from likewise.maps.layout import middles

_SIDE, _MARGIN, _PICTURE = 640, 28, 26
_NAMED = 40  # groups; the names of more would cover the map


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """A picture that is shown on a map.

    Attributes:
        row: Row of the picture's place.
        text: Caption of the picture.
        address: The picture as a `data:` address.
    """

    row: int
    text: str
    address: str


def map_plot(places: Doubles, labels: Sequence[str | None], marks: Sequence[Mark]) -> str:
    """Draw a dot for each place in the colour of its group, the groups' names, and a few pictures.

    Args:
        places: `(n, 2)`, in [0, 1].
        labels: n; None is drawn as a small ring.
        marks: Pictures to show at their places.
    """
    spots = _MARGIN + places * (_SIDE - 2 * _MARGIN)
    known = [row for row, label in enumerate(labels) if label is not None]
    middle = middles(spots[known], [str(labels[row]) for row in known])
    unknown = [row for row, label in enumerate(labels) if label is None]
    rings = [
        f'<circle class="unknown" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
        for x, y in spots[unknown].tolist()
    ]
    dots = [
        _dots(name, _colour(place, len(middle)), spots[[label == name for label in labels]])
        for place, name in enumerate(middle)
    ]
    names = [
        f'<text class="name" x="{x:.1f}" y="{y + 8:.1f}" text-anchor="middle">{escape(name)}</text>'
        for name, (x, y) in middle.items()
        if len(middle) <= _NAMED
    ]
    marked = [_marked(mark, *spots[mark.row].tolist()) for mark in reversed(marks)]
    drawn = "".join([*rings, *dots, *names, *marked])
    title = f"Map of {counted(len(places), 'picture')} of {counted(len(middle), 'group')}"
    return (
        f'<svg viewBox="0 0 {_SIDE} {_SIDE}" role="img" class="map" aria-label="{title}">'
        f"{drawn}</svg>"
    )


def _colour(place: int, groups: int) -> str:
    saturation, lightness = (75, 48) if place % 2 else (60, 55)
    return f"hsl({360 * place // groups} {saturation}% {lightness}%)"


def _dots(name: str, colour: str, spots: Doubles) -> str:
    """One group's dots, named by a tooltip."""
    circles = (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>' for x, y in spots.tolist())
    return f'<g fill="{colour}"><title>{escape(name)}</title>{"".join(circles)}</g>'


def _marked(mark: Mark, x: float, y: float) -> str:
    left, top = x - _PICTURE / 2, y - _PICTURE / 2
    return (
        f'<rect class="frame" x="{left - 2:.1f}" y="{top - 2:.1f}" '
        f'width="{_PICTURE + 4}" height="{_PICTURE + 4}"/>'
        f'<image x="{left:.1f}" y="{top:.1f}" width="{_PICTURE}" height="{_PICTURE}" '
        f'href="{mark.address}"/>'
        f'<text class="number" x="{x:.1f}" y="{top - 5:.1f}" text-anchor="middle">'
        f"{mark.text}</text>"
    )
