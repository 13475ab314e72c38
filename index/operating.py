"""An operating point in use: its thresholds, and whether the gallery is still the one it was for.

Does not choose thresholds (`calibration`) and does not decide (`decision`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from likewise.metrics.limits import Limits


@dataclass(frozen=True, slots=True)
class Rule:
    """All that decides, once the neighbours are known.

    Attributes:
        limits: Largest distances that are a match.
        min_margin: Least distance by which the runner-up must be farther, or None.
        point: The operating point's name; None for a threshold that the caller gave.
    """

    limits: Limits
    min_margin: float | None
    point: str | None

    @classmethod
    def of(cls, name: str, point: Mapping[str, Any], min_margin: float | None) -> Rule:
        """The rule of a stored operating point; a margin that is given replaces its own.

        Example:
            >>> Rule.of("strict", {"threshold": 0.5, "min_margin": 0.25}, None)
            Rule(limits=Limits(threshold=0.5, groups={}), min_margin=0.25, point='strict')
        """
        limits = Limits(float(point["threshold"]), point.get("group_thresholds", {}))
        return cls(limits, point.get("min_margin") if min_margin is None else min_margin, name)


def expected_fpir(fpir: float, size: int, now: int) -> float:
    """Guess the FPIR once the gallery has grown: 1 − (1 − FPIR)^(now / size).

    As if each reference matched an unknown by itself, so that a larger gallery is as many draws
    more. References of one group lie close together, so it is mostly less: a rough upper estimate.

    Example:
        >>> round(expected_fpir(0.01, size=1000, now=2000), 4)
        0.0199
    """
    return -math.expm1(now / size * math.log1p(-fpir)) if fpir < 1 else 1.0


def outdated(name: str, point: Mapping[str, Any], size: int, generation: int) -> str | None:
    """Say in one sentence that the gallery is no longer the one a point was measured with.

    Args:
        name: Of the operating point.
        point: As stored; one that a model came with was measured with no gallery.
        size: References now.
        generation: Of the gallery now.

    Returns:
        None if there is nothing to say.

    Example:
        >>> point = {"gallery_size": 1000, "generation": 7, "fpir": 0.01}
        >>> outdated("fpir-0.01", point, size=2000, generation=8)
        "the gallery has changed since 'fpir-0.01' was calibrated: 1000 references then, 2000 now;
        expect an FPIR of up to about 0.02 where it was 0.01"
        >>> outdated("fpir-0.01", point, size=1000, generation=7)
    """
    then = point.get("gallery_size")
    if not then or generation == point.get("generation"):
        return None
    now = float(f"{expected_fpir(point['fpir'], then, size):.2g}")
    return (
        f"the gallery has changed since {name!r} was calibrated: {then} references then, {size} "
        f"now; expect an FPIR of up to about {now:g} where it was {point['fpir']:.2g}"
    )
