"""Plots as SVG text: curves and histograms. The style sheet of the page colours them."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np

from likewise.arrays import Pixels, Reals
from likewise.metrics.rates import Curve

WIDTH, HEIGHT = 400, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 22, 12, 44
_DECADES = 5  # of a curve: rates below are drawn at the edge
_LABELS = 5  # that fit side by side


def curve_plot(
    curve: Curve, *, at: tuple[float, float], x_label: str, y_label: str, floor: float
) -> str:
    """Draw the rate of misses over the rate of false matches, both logarithmic and in per cent.

    Args:
        curve: Rates in [0, 1].
        at: Both rates at the operating point, which a ring marks.
        x_label: Label of the horizontal axis.
        y_label: Label of the vertical axis.
        floor: Smallest rate that the data can resolve, > 0; smaller rates are drawn there.
    """
    low = 10 ** max(np.floor(np.log10(floor)), -float(_DECADES))
    span = -float(np.log10(low)) or 1.0

    def across(rate: Reals | float) -> Any:
        return _LEFT + (np.log10(np.maximum(rate, low)) / span + 1) * (WIDTH - _LEFT - _RIGHT)

    def down(rate: Reals | float) -> Any:
        return _TOP - np.log10(np.maximum(rate, low)) / span * (HEIGHT - _TOP - _BOTTOM)

    ticks = [10.0**power for power in range(round(np.log10(low)), 1)]
    path = " ".join(
        f"{a:.1f},{b:.1f}" for a, b in zip(across(curve.false), down(curve.missed), strict=True)
    )
    return _framed(
        [
            *_grid(ticks, across, down, lambda rate: f"{100 * rate:g} %"),
            f'<polyline class="line" points="{path}"/>',
            f'<circle class="ring" cx="{across(at[0]):.1f}" cy="{down(at[1]):.1f}" r="6"/>',
        ],
        x_label,
        y_label,
    )


def histogram_plot(same: Reals, different: Reals, threshold: float) -> str:
    """Draw the distributions of the distances of same and of different pairs, and the threshold.

    Args:
        same: Distances of pairs of one label, `(p,)`, p >= 1.
        different: Distances of pairs of two labels, `(q,)`, q >= 1.
        threshold: The threshold, which a dashed line marks.
    """
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
    x, bottom = across(threshold), HEIGHT - _BOTTOM
    mark = f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>'
    ticks = [
        f'<text x="{across(value):.1f}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>'
        for value in _round_ticks(top)
    ]
    base = f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}"/>'
    return _framed([base, *bars, mark, *ticks], "distance of a pair", "share of pairs (root scale)")


def png_address(picture: Pixels) -> str:
    """Encode a picture as a PNG in a `data:` address."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


def _round_ticks(top: float) -> list[float]:
    """Three to seven ticks from 0 to `top`, in steps of 1, 2 or 5 times a power of ten.

    Example:
        >>> _round_ticks(1.4)
        [0.0, 0.5, 1.0]
    """
    power = 10.0 ** np.floor(np.log10(top / 2))
    step = next(power * unit for unit in (1, 2, 5, 10) if top / (power * unit) < 6)
    return [float(tick) for tick in np.round(np.arange(0, top + step / 1e9, step), 12)]


def _grid(
    ticks: Sequence[float],
    across: Callable[[float], float],
    down: Callable[[float], float],
    text: Callable[[float], str],
) -> list[str]:
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    drawn = []
    for place, tick in enumerate(reversed(ticks)):
        x, y = across(tick), down(tick)
        drawn += [
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>',
            f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>',
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text(tick)}</text>',
        ]
        if len(ticks) <= _LABELS or place % 2 == 0:
            drawn.append(
                f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{text(tick)}</text>'
            )
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
