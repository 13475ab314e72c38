"""A stored operating point, and what its calibration says to a person."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedder.text import counted

OPTIMISTIC = (
    "the gallery's own references, each searched among all others: optimistic for images like "
    "those that the embedder was trained on"
)
_COSTS = ("cost_false_match", "cost_miss", "share_unknown")
_MATCHED = "FPIR {share}: {false} of {queries} unknowns were matched (95 %: {low} to {high})."
_RATES = {
    "fpir": _MATCHED,
    "cost": _MATCHED,
    "fmr": "FMR {share}: {false} of {queries} pairs of two groups matched (95 %: {low} to {high}).",
}


@dataclass(frozen=True, slots=True)
class Calibration:
    """A stored operating point, and what it was not measured with.

    Attributes:
        name: Of the point, which is the gallery's default now.
        point: What was stored.
        in_gallery: Pictures that were passed over as they are references: they would find
            themselves.
        unreadable: Id and reason of each picture that could not be read.
    """

    name: str
    point: dict[str, Any]
    in_gallery: int
    unreadable: list[tuple[str, str]]

    def sentences(self) -> list[str]:
        """Say what came out, a line each."""
        point = self.point
        lines = [
            f"{self.name}: matches within {point['threshold']:.4f}; measured on "
            f"{point['measured_on']}.",
            _RATES[point["rate"]].format(
                **point,
                share=_rate(point["measured"]),
                low=_rate(point["interval"][0]),
                high=_rate(point["interval"][1]),
            ),
        ]
        if point["rate"] == "fmr":
            lines.append(
                f"FPIR {_rate(point['fpir'])}: unknowns that a search of the whole gallery would "
                "match at this threshold. For `check`, calibrate by FPIR."
            )
        if point["rate"] != "fmr" and len(point["unknown"]) > 1:
            lines.append(
                "By kind: "
                + ", ".join(
                    f"{kind['false']} of {kind['queries']} {name}"
                    for name, kind in point["unknown"].items()
                )
                + "."
            )
        if point["mated"]:
            lines.append(
                f"FNIR {_rate(point['fnir'])}: {point['missed']} of {point['mated']} knowns missed "
                "their group."
            )
        if "group_thresholds" in point:
            groups = counted(len(point["group_thresholds"]), "group")
            lines.append(f"Thresholds of their own: {groups}.")
        if self.in_gallery:
            lines.append(passed_over(self.in_gallery))
        return lines


def command(gallery: str, name: str, point: Mapping[str, Any]) -> str:
    """Spell out the command that measures a stored point anew.

    Example:
        >>> command("digits.gallery", "lax", {"rate": "fpir", "target": 0.05, "measured_on": "..."})
        'likewise calibrate digits.gallery DATA --fpir 0.05 --name lax'
    """
    words = ["likewise", "calibrate", gallery]
    if point["measured_on"] != OPTIMISTIC:
        words.append("DATA")
    if point["rate"] == "cost":
        for option in _COSTS:
            words += [f"--{option.replace('_', '-')}", f"{point[option]:g}"]
    else:
        words += [f"--{point['rate']}", f"{point['target']:g}"]
    if "group_thresholds" in point:
        words.append("--per-group")
    if "min_margin" in point:
        words += ["--min-margin", f"{point['min_margin']:g}"]
    if name != point_name(point):
        words += ["--name", name]
    return shlex.join(words)


def passed_over(in_gallery: int) -> str:
    """Say how many pictures were no queries, as they are references."""
    return f"Passed over as already in the gallery: {counted(in_gallery, 'picture')}."


def point_name(point: Mapping[str, Any]) -> str:
    """Name a point by what was wanted, such as `fpir-0.01`."""
    target = "" if point["target"] is None else f"-{point['target']:g}"
    return f"{point['rate']}{target}"


def _rate(value: float) -> str:
    return f"{100 * value:.3g} %"
