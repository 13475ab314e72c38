"""Plots as SVG text: curves, histograms, a map of pictures. The page around gives the colours."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.floating]

WIDTH, HEIGHT = 460, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 12, 42


def curve_plot(x: Values, y: Values, x_label: str, y_label: str, *, floor: float) -> str:
    """Draw one rate over another, both logarithmic and in per cent.

    Args:
        x: Rates, `(n,)`, in [0, 1].
        y: Rates, `(n,)`, in [0, 1].
        x_label: Of the horizontal axis.
        y_label: Of the vertical axis.
        floor: Rates below it are drawn at it: what the data can still tell, > 0.
    """
    low = 10 ** np.floor(np.log10(floor))
    span = -float(np.log10(low))

    def across(rate: Values | float) -> Any:
        return _LEFT + (np.log10(np.maximum(rate, low)) / span + 1) * (WIDTH - _LEFT - _RIGHT)

    def down(rate: Values | float) -> Any:
        return _TOP - np.log10(np.maximum(rate, low)) / span * (HEIGHT - _TOP - _BOTTOM)

    ticks = [10.0**power for power in range(round(np.log10(low)), 1)]
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across(x), down(y), strict=True))
    return _framed(
        [
            *_grid(ticks, across, down, lambda rate: f"{100 * rate:g} %"),
            f'<polyline class="line" points="{path}"/>',
        ],
        x_label,
        y_label,
    )


def histogram_plot(same: Values, different: Values, threshold: float, x_label: str) -> str:
    """Draw how distances of same and of different pairs lie, and the threshold between them."""
    top = float(max(same.max(), different.max(), threshold)) or 1.0
    edges = np.linspace(0, top, 61)
    shares = [np.histogram(part, edges)[0] / len(part) for part in (same, different)]
    highest = np.sqrt(max(share.max() for share in shares))  # a root shows what is rare

    def across(distance: float) -> float:
        return _LEFT + distance / top * (WIDTH - _LEFT - _RIGHT)

    def down(share: float) -> float:
        return HEIGHT - _BOTTOM - float(np.sqrt(share) / highest) * (HEIGHT - _TOP - _BOTTOM)

    bars = [
        f'<rect class="{name}" x="{across(left):.1f}" width="{across(right) - across(left):.1f}" '
        f'y="{down(share):.1f}" height="{HEIGHT - _BOTTOM - down(share):.1f}"/>'
        for name, counted in zip(("same", "different"), shares, strict=True)
        for left, right, share in zip(edges[:-1], edges[1:], counted, strict=True)
        if share
    ]
    at = across(threshold)
    mark = f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>'
    ticks = [
        f'<text x="{across(value):.1f}" y="{HEIGHT - _BOTTOM + 16}" text-anchor="middle">'
        f"{value:.2g}</text>"
        for value in np.linspace(0, top, 5)
    ]
    return _framed([*bars, mark, *ticks], x_label, "share of pairs (root scale)")


def map_plot(
    places: Values, pictures: Sequence[npt.NDArray[np.uint8]], labels: Sequence[str]
) -> str:
    """Draw each picture where it lies in a plane, framed in the colour of its group.

    Args:
        places: `(n, 2)`, any unit.
        pictures: n, uint8 `(h, w)` or `(h, w, 3)`.
        labels: n.
    """
    names = sorted(set(labels))
    low, high = places.min(axis=0), places.max(axis=0)
    side, size = 20, 720
    spots = (places - low) / np.where(high > low, high - low, 1) * (size - side)
    images = [
        f'<g transform="translate({x:.1f} {y:.1f})"><title>{escape(label)}</title>'
        f'<rect width="{side}" height="{side}" '
        f'fill="hsl({360 * names.index(label) // len(names)} 75% 50%)"/>'
        f'<image x="1.5" y="1.5" width="{side - 3}" height="{side - 3}" '
        f'href="{png_address(picture)}"/></g>'
        for (x, y), picture, label in zip(spots.tolist(), pictures, labels, strict=True)
    ]
    return f'<svg viewBox="0 0 {size} {size}" role="img" class="map">{"".join(images)}</svg>'


def png_address(picture: npt.NDArray[np.uint8]) -> str:
    """Give a picture as the address of a PNG that holds all of it."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


def _grid(
    ticks: Sequence[float],
    across: Callable[[float], float],
    down: Callable[[float], float],
    text: Callable[[float], str],
) -> list[str]:
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    drawn = []
    for tick in ticks:
        x, y = across(tick), down(tick)
        drawn += [
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>',
            f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>',
            f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{text(tick)}</text>',
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text(tick)}</text>',
        ]
    return drawn


def _framed(drawn: Sequence[str], x_label: str, y_label: str) -> str:
    middle = (HEIGHT - _BOTTOM + _TOP) / 2
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(y_label)} over {escape(x_label)}">{"".join(drawn)}'
        f'<text class="axis" x="{(WIDTH + _LEFT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
        f"{escape(x_label)}</text>"
        f'<text class="axis" transform="translate(11 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_label)}</text></svg>"
    )
