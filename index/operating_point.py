"""An operating point: a threshold and the rates measured at it, to and from JSON.

Does not choose thresholds (`likewise.calibration`) and does not decide (`decision`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from index.evidence import KINDS

MOST_MISSED = 0.5  # FNIR from which a threshold is of little use
OWN = "own"  # name of the point that is measured on a gallery itself where its model brings none
_NULL_WHERE_CALIBRATED = ("target", "fnir")  # all other fields are left out of the JSON when None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """A threshold and the rates measured at it.

    A field that was not measured is None, or empty.

    Attributes:
        threshold: Largest matching distance, Euclidean, >= 0.
        rate: The rate that a calibration limited: `fpir`, `fmr`, or `cost` for the least cost.
        target: Largest value of that rate, above 0 and below 1; None for `cost`.
        measured: The measured rate, `false` of `queries`.
        false: Number of false matches among queries, or among pairs of two groups.
        queries: Number of these queries or pairs.
        interval: 95 % interval of `measured`, both ends.
        smallest_rate: Smallest rate that this number of queries can support.
        fmr: False match rate of pairs.
        fnmr: False non-match rate of pairs.
        fpir: False positive identification rate of searches.
        fnir: False negative identification rate of searches.
        missed: Number of mated queries that did not match their own group.
        mated: Number of mated queries.
        unknown: Count and false matches of each kind of non-mated queries; the count alone for a
            model's own point.
        group_thresholds: Thresholds by label, used instead of `threshold`.
        cost_false_match: Cost of an unknown query that is matched.
        cost_miss: Cost of a known query that is missed.
        share_unknown: Expected share of unknown queries.
        expected_cost: Expected cost of one query.
        gallery_size: References in the gallery when it was calibrated.
        generation: Generation of the gallery then.
        measured_on: Description of the pictures.
        min_margin: Minimum by which the runner-up must be farther, else `ambiguous`.
        evidence: Name of the file with the distances of the non-mated queries.
        pictures: Name of the file with the content hashes of the pictures.
        stored: The JSON object that the point was read from, with unknown fields.
    """

    threshold: float
    rate: str | None = None
    target: float | None = None
    measured: float | None = None
    false: int | None = None
    queries: int | None = None
    interval: Sequence[float] | None = None
    smallest_rate: float | None = None
    fmr: float | None = None
    fnmr: float | None = None
    fpir: float | None = None
    fnir: float | None = None
    missed: int | None = None
    mated: int | None = None
    unknown: int | Mapping[str, Mapping[str, int]] | None = None
    group_thresholds: Mapping[str, float] = field(default_factory=dict)
    cost_false_match: float | None = None
    cost_miss: float | None = None
    share_unknown: float | None = None
    expected_cost: float | None = None
    gallery_size: int | None = None
    generation: int | None = None
    measured_on: str | None = None
    min_margin: float | None = None
    evidence: str | None = None
    pictures: str | None = None
    stored: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.threshold, (int, float)) or not self.threshold >= 0:
            raise ValueError(
                f"An operating point must have a `threshold` >= 0. Received: {self.threshold!r}."
            )

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> OperatingPoint:
        """Read a point; unknown fields survive in `stored`.

        Raises:
            ValueError: If there is no threshold >= 0, or a field is of another type.

        Example:
            >>> point = OperatingPoint.from_json({"threshold": 0.5, "fmr": 0.01, "lens": "macro"})
            >>> point.threshold, point.fmr, point.to_json()
            (0.5, 0.01, {'threshold': 0.5, 'fmr': 0.01, 'lens': 'macro'})
        """
        if not isinstance(stored, Mapping):
            raise ValueError(f"An operating point must be an object. Received: {stored!r}.")
        known = {name: stored[name] for name in _FIELDS if name in stored}
        for name, value in known.items():
            if value is not None and not _fits(name, value):
                raise ValueError(f"Its `{name}` is of the wrong type. Received: {value!r}.")
        return cls(**{"threshold": None, **known, "stored": stored})

    def to_json(self) -> dict[str, Any]:
        """Write the point: stored fields in their order, then new ones."""
        known = {name: getattr(self, name) for name in _FIELDS}
        written = {name: value for name, value in known.items() if self._is_written(name, value)}
        return {**self.stored, **written}

    def _is_written(self, name: str, value: Any) -> bool:
        if name in self.stored or value not in (None, {}):
            return True
        return name in _NULL_WHERE_CALIBRATED and self.rate is not None

    @property
    def files(self) -> list[tuple[str, str]]:
        """Kind and name of each file that the calibration left; see `evidence`."""
        names = ((kind, getattr(self, kind)) for kind in KINDS)
        return [(kind, name) for kind, name in names if name is not None]

    @property
    def misses_most(self) -> bool:
        """Whether most pictures of known groups were missed where it was measured."""
        return (self.fnir or 0) >= MOST_MISSED

    def outdated(self, name: str, size: int, generation: int) -> str | None:
        """Describe in one sentence how the gallery has changed since the point was measured.

        Args:
            name: Name of the point.
            size: Number of references now.
            generation: Generation of the gallery now.

        Returns:
            None if it has not changed, or if the point is a model's own.

        Example:
            >>> point = OperatingPoint(threshold=1, gallery_size=1000, generation=7, fpir=0.01)
            >>> point.outdated("fpir-0.01", size=2000, generation=8)
            "the gallery has changed since 'fpir-0.01' was calibrated: 1000 references then, 2000
            now; expect an FPIR of up to about 0.02 where it was 0.01"
            >>> point.outdated("fpir-0.01", size=1000, generation=7)
        """
        if not self.gallery_size or self.fpir is None or generation == self.generation:
            return None
        now = float(f"{expected_fpir(self.fpir, self.gallery_size, size):.2g}")
        return (
            f"the gallery has changed since {name!r} was calibrated: {self.gallery_size} references"
            f" then, {size} now; expect an FPIR of up to about {now:g} where it was {self.fpir:.2g}"
        )


def _is_number(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_file_name(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value) is not None


def _is_interval(value: Any) -> bool:
    return isinstance(value, Sequence) and len(value) == 2 and all(map(_is_number, value))


def _is_unknown(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return _is_count(value)
    kinds = value.values()
    return all(isinstance(kind, Mapping) and all(map(_is_count, kind.values())) for kind in kinds)


def _are_thresholds(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        _is_number(threshold) and threshold >= 0 for threshold in value.values()
    )


_OTHER_TYPES: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(
        ("false", "queries", "missed", "mated", "gallery_size", "generation"), _is_count
    ),
    **dict.fromkeys(("rate", "measured_on"), lambda value: isinstance(value, str)),
    **dict.fromkeys(KINDS, _is_file_name),
    "interval": _is_interval,
    "unknown": _is_unknown,
    "group_thresholds": _are_thresholds,
}


def _fits(name: str, value: Any) -> bool:
    """Whether a stored field is of its type; those not named above are numbers."""
    return _OTHER_TYPES.get(name, _is_number)(value)


_FIELDS = tuple(each.name for each in fields(OperatingPoint) if each.name != "stored")


def points_from_json(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, OperatingPoint]:
    """Read operating points by name, as a model stores them.

    Raises:
        ValueError: If a field has another type.
    """
    return {name: OperatingPoint.from_json(point) for name, point in stored.items()}


def points_to_json(points: Mapping[str, OperatingPoint]) -> dict[str, dict[str, Any]]:
    """Write operating points by name, as a gallery stores them.

    Raises:
        ValueError: If a field has another type, so that nobody could read the gallery any more.
    """
    stored = {name: point.to_json() for name, point in points.items()}
    points_from_json(stored)
    return stored


def expected_fpir(fpir: float, size: int, now: int) -> float:
    """Estimate the FPIR once the gallery has grown: 1 − (1 − FPIR)^(now / size).

    This treats references as independent chances of a false match. References of one group lie
    close together, so it is a rough upper estimate.

    Args:
        fpir: Measured FPIR, 0 to 1.
        size: Number of references when it was measured, >= 1.
        now: Number of references now.

    Example:
        >>> round(expected_fpir(0.01, size=1000, now=2000), 4)
        0.0199
    """
    return -math.expm1(now / size * math.log1p(-fpir)) if fpir < 1 else 1.0
