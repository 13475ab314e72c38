"""docs/results.md, written from what `open_set.py` measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bench.strangers import LETTERS, LIKE_DIGITS, TYPEFACES

Measured = Mapping[str, Sequence[Mapping[str, float]]]

_OPEN = ("rank-1", "FNIR", "AUROC", "accepted", "missed")
_KINDS = ("letters", "doodles", "photograph crops", "noise", "blank")
_COUNTS = (1, 5, 20)


def page(measured: Measured, *, seeds: int, draws: int, epochs: int) -> str:
    """Write the page.

    Args:
        measured: By pair of digits kept out of training, the figures of each seed and draw.
        seeds: Trainings of each pair.
        draws: Galleries of 20 references a group that were drawn for each training.
        epochs: Of each training.
    """
    return _TEXT.format(
        pairs=len(measured),
        seeds=seeds,
        draws=draws,
        epochs=epochs,
        small=_table(measured, ""),
        every=_table(measured, "all "),
        strangers=_strangers(measured),
        enrolled=_enrolled(measured),
        letters=LETTERS,
        like_digits=LIKE_DIGITS,
        typefaces=", ".join(TYPEFACES),
    )


def _table(measured: Measured, prefix: str) -> str:
    """One row for each pair, then the mean over all with its standard deviation over pairs."""
    lines = [
        f"| {pair[0]} and {pair[1]} | "
        + " | ".join(_percent(_of(rows, prefix + name)) for name in _OPEN)
        + " |"
        for pair, rows in measured.items()
    ]
    means = [_over_pairs(measured, prefix + name) for name in _OPEN]
    return "\n".join([*lines, f"| **mean** | {' | '.join(means)} |"])


def _strangers(measured: Measured) -> str:
    return "\n".join(
        f"| {kind} | {_over_pairs(measured, kind)} | {_over_pairs(measured, f'{kind}, calibrated')} |"
        for kind in _KINDS
    )


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


def _of(rows: Sequence[Mapping[str, float]], name: str) -> float:
    return float(np.mean([row[name] for row in rows if name in row]))


def _over_pairs(measured: Measured, name: str) -> str:
    found = [_of(rows, name) for rows in measured.values()]
    spread = f" ± {100 * np.std(found, ddof=1):.2f}" if len(found) > 1 else ""
    return f"{_percent(float(np.mean(found)))}{spread}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"


_TEXT = """\
# Results: groups and pictures that the embedder never saw

Written by `python -m bench.open_set`; every figure is in per cent. How good the shipped model is on the
digits that it does know stands in the [README](../README.md#how-good).

## Protocol

{pairs} times, two digits are kept out of the training, and the default recipe, cut to {epochs} epochs, is
trained on the other eight ({seeds} seed(s) for each pair). The eight are enrolled: 20 training digits of each
({draws} draws), or all. The 10,000 test digits are the queries: those of the eight are mated, those of the two are
non-mated. ± is the standard deviation over the pairs of digits.

- **rank-1**: share of mated queries whose nearest reference is of their group.
- **FNIR**: share of mated queries missed (nearest reference of another group, or beyond the threshold) at the
  largest threshold that lets 1 % of the unknown digits in (FPIR 1 %).
- **AUROC**: how well the distance to the nearest reference tells known digits from unknown ones.
- **accepted**, **missed**: share of unknown digits matched, and of known digits missed, at a threshold that was
  *calibrated without the two digits*: the largest at which 1 % of 3,000 known unknowns are matched. These
  are pairs of known validation digits laid over each other. Overlays were chosen as known unknowns on the pair 8 and
  9, where their threshold came nearest to the one wanted; the other pairs had no part in that.

## Unknown digits, 20 references a group

| unknown | rank-1 | FNIR at FPIR 1 % | AUROC | accepted | missed |
|---|---|---|---|---|---|
{small}

Beside it, measured on 8 and 9 unknown with 20 references: the tutorial's model at its threshold of 0.5 accepts 91 of
the unknown, AUROC 92.7, FNIR 75 to 100; TensorFlow Similarity after its own `calibrate` accepts 82, AUROC 97.8, FNIR
16.9; pytorch-metric-learning at its default accepts 1.2 and misses 14, AUROC 98.2, FNIR 14.5. Published AUROC
for six known digits of ten, which is another protocol: OpenMax 98.1, OSRCI 98.8, ARPL+CS 99.7.

## Unknown digits, all references

| unknown | rank-1 | FNIR at FPIR 1 % | AUROC | accepted | missed |
|---|---|---|---|---|---|
{every}

## Pictures that are no digit

Share matched with some digit, 20 references a group: at the threshold that lets 1 % of the unknown digits in, and at the
calibrated one.

| | at FPIR 1 % | calibrated |
|---|---|---|
{strangers}

Letters: `{letters}` in {typefaces}. Left out, since some typeface draws them like a digit:
`{like_digits}`. No letter, doodle or photograph was ever trained with.

## Adding groups without training

The two unknown digits are added to the gallery of 20 references a group, with 1, 5 or 20 references each. Share of
the test digits whose nearest reference, whatever the distance, is of their group.

| references of each new group | all ten groups | the eight old | the two new |
|---|---|---|---|
{enrolled}
"""
