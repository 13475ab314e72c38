"""A calibration's summary in sentences, and the command that repeats it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from embedder.text import counted
from index.operating_point import OperatingPoint
from likewise.queries import MADE
from likewise.remarks import Remarks

OPTIMISTIC = (
    "the gallery's own references, each searched among all others: optimistic for images like "
    "those that the embedder was trained on"
)
CROSS_VALIDATED = "the gallery's own references, divided into folds, each searched among the others"
_COSTS = ("cost_false_match", "cost_miss", "share_unknown")


@dataclass(frozen=True, slots=True)
class Calibration:
    """A stored operating point, and the pictures that it was not measured with.

    Attributes:
        name: Name of the point, now the gallery's default.
        point: The stored point.
        in_gallery: Number of pictures that were passed over because they are references, and would
            find themselves.
        unreadable: Id and reason of each picture that could not be read.
        remarks: On pictures that are nearly one grey value.
        passed_over: Sentences about pictures passed over, and labels that the gallery lacks.
    """

    name: str
    point: OperatingPoint
    in_gallery: int
    unreadable: list[tuple[str, str]]
    remarks: Remarks
    passed_over: list[str]

    def sentences(self) -> list[str]:
        """Report the threshold and its error rates, a line each."""
        point = self.point
        lines = [
            f"{self.name}: matches within {point.threshold:.4f}; measured on {point.measured_on}.",
            _measured(point),
        ]
        if point.rate == "fmr":
            lines.append(
                f"FPIR {_rate(point.fpir)}: unknowns that a search of the whole gallery would "
                "match at this threshold. For `check`, calibrate by FPIR."
            )
        else:
            lines += _by_kind(point)
        if point.mated:
            lines.append(
                f"FNIR {_rate(point.fnir)}: {point.missed} of {point.mated} knowns missed "
                "their group."
            )
        if point.group_thresholds:
            groups = counted(len(point.group_thresholds), "group")
            lines.append(f"Thresholds of their own: {groups}.")
        if point.misses_most:
            lines.append(
                "Most knowns are missed at this threshold: the model does not separate these "
                "groups well enough for so strict a rate. Allow a higher one, or train a model on "
                "pictures like these: likewise train DATA --out MODEL."
            )
        return [*lines, *self.passed_over, *self.remarks.warnings()]


def command(gallery: str, name: str, point: OperatingPoint) -> str:
    """The command that repeats the calibration of a stored point.

    Args:
        gallery: Path of the gallery.
        name: Name of the point.
        point: The calibrated point.

    Example:
        >>> point = OperatingPoint(threshold=1, rate="fpir", target=0.05, measured_on="...")
        >>> command("digits.gallery", "lax", point)
        'likewise calibrate digits.gallery DATA --fpir 0.05 --name lax'
    """
    words = ["likewise", "calibrate", gallery]
    if point.measured_on == CROSS_VALIDATED:
        words.append("--cross-validate")
    elif point.measured_on != OPTIMISTIC:
        words.append("DATA")
    if point.rate == "cost":
        for option in _COSTS:
            words += [f"--{option.replace('_', '-')}", f"{getattr(point, option):g}"]
    else:
        words += [f"--{point.rate}", f"{point.target:g}"]
    if isinstance(point.unknown, Mapping) and MADE in point.unknown:
        words.append("--made-unknowns")
    if point.group_thresholds:
        words.append("--per-group")
    if point.min_margin is not None:
        words += ["--min-margin", f"{point.min_margin:g}"]
    if name != point_name(point):
        words += ["--name", name]
    return shlex.join(words)


def point_name(point: OperatingPoint) -> str:
    """Name a point after the wanted rate, such as `fpir-0.01`."""
    target = "" if point.target is None else f"-{point.target:g}"
    return f"{point.rate}{target}"


def _measured(point: OperatingPoint) -> str:
    assert point.measured is not None
    assert point.interval is not None
    low, high = map(_rate, point.interval)
    share, interval = _rate(point.measured), f"(95 %: {low} to {high})"
    if point.rate == "fmr":
        return (
            f"FMR {share}: {point.false} of {point.queries} pairs of two groups matched {interval}."
        )
    return f"FPIR {share}: {point.false} of {point.queries} unknowns were matched {interval}."


def _by_kind(point: OperatingPoint) -> list[str]:
    """The false matches of each kind of unknowns, where there are several kinds."""
    kinds = point.unknown
    if not isinstance(kinds, Mapping) or len(kinds) < 2:
        return []
    counts = (f"{kind['false']} of {kind['queries']} {name}" for name, kind in kinds.items())
    return [f"By kind: {', '.join(counts)}."]


def _rate(value: float | None) -> str:
    assert value is not None
    return f"{100 * value:.3g} %"
