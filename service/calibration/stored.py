"""A stored operating point, and what its calibration says to a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from embedder.errors import counted

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
            lines.append(f"{len(point['group_thresholds'])} groups have thresholds of their own.")
        if self.in_gallery:
            seen = counted(self.in_gallery, "picture")
            lines.append(f"Passed over as already in the gallery: {seen}.")
        return lines


def _rate(value: float) -> str:
    return f"{100 * value:.3g} %"
