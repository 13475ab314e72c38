"""Write docs/results.md from the figures of `open_set.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.strangers import LETTERS, LIKE_DIGITS, TYPEFACES
from embedder.text import counted
from embedder.training.recipes import Recipe

Measured = Mapping[str, Sequence[Mapping[str, float]]]

_OPEN = ("rank-1", "FNIR", "AUROC", "overlays", "accepted", "missed")
_KINDS = ("letters", "doodles", "photograph crops", "noise", "blank")
_COUNTS = (1, 5, 20)


def page(
    measured: Measured, shipped: Mapping[str, float], recipe: Recipe, *, seeds: int, draws: int
) -> str:
    """Write the page.

    Args:
        measured: By pair of digits kept out of training, the figures of each seed and draw.
        shipped: What the shipped model's default threshold does: `threshold`, `missed`, and the
            share matched of each kind of stranger.
        recipe: Recipe of each training, apart from its seed.
        seeds: Trainings of each pair.
        draws: Galleries of 20 references a group that were drawn for each training.
    """
    text = Path(__file__).with_name("results.template.md").read_text(encoding="utf-8")
    return text.format(
        pairs=len(measured),
        seeds=seeds,
        trainings=counted(seeds, "training"),
        draws=draws,
        recipe=recipe.name,
        epochs=recipe.epochs,
        composites=f"{recipe.composites:g}",
        small=_table(measured, ""),
        every=_table(measured, "all "),
        strangers=_strangers(measured, shipped),
        threshold=f"{shipped['threshold']:.3f}",
        missed=_percent(shipped["missed"]),
        enrolled=_enrolled(measured),
        letters=LETTERS,
        like_digits=LIKE_DIGITS,
        typefaces=", ".join(TYPEFACES),
    )


def _table(measured: Measured, prefix: str) -> str:
    """One row for each pair, then the mean over all with its standard deviation over pairs."""
    lines = [
        f"| {pair[0]} and {pair[1]} | "
        + " | ".join(_percent(average(rows, prefix + name)) for name in _OPEN)
        + " |"
        for pair, rows in measured.items()
    ]
    means = [_over_pairs(measured, prefix + name) for name in _OPEN]
    return "\n".join([*lines, f"| **mean** | {' | '.join(means)} |"])


def _strangers(measured: Measured, shipped: Mapping[str, float]) -> str:
    rows = []
    for kind in _KINDS:
        shares = [_over_pairs(measured, name) for name in (kind, f"{kind}, calibrated")]
        rows.append(f"| {kind} | {' | '.join([*shares, _percent(shipped[kind])])} |")
    return "\n".join(rows)


def _enrolled(measured: Measured) -> str:
    return "\n".join(
        f"| {count} | "
        + " | ".join(
            _over_pairs(measured, f"{count} enrolled{part}")
            for part in ("", ", old groups", ", new groups")
        )
        + " |"
        for count in _COUNTS
    )


def average(rows: Sequence[Mapping[str, float]], name: str) -> float:
    """Mean of a figure over the rows that have it."""
    return float(np.mean([row[name] for row in rows if name in row]))


def _over_pairs(measured: Measured, name: str) -> str:
    averages = [average(rows, name) for rows in measured.values()]
    spread = f" ± {100 * np.std(averages, ddof=1):.2f}" if len(averages) > 1 else ""
    return f"{_percent(float(np.mean(averages)))}{spread}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"
