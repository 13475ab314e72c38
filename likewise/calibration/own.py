"""Measure a threshold on the gallery itself, where its model brings none.

Each reference is searched among the others: once with its group, once, as an unknown, without it.
References with a near copy in their group are not asked: they would flatter both rates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from index.gallery import Gallery
from index.operating_point import OWN, OperatingPoint
from likewise.calibration.points import measured_at
from likewise.folds import COPY, PAIRS
from likewise.metrics.intervals import trials_needed
from likewise.metrics.limits import Limits
from likewise.metrics.pairs import pair_distances
from likewise.metrics.searches import Mated, NonMated
from likewise.metrics.thresholds import CalibrationError, largest_threshold
from likewise.queries import LEFT_OUT, GroupDistances

_TARGETS = (0.01, 0.02, 0.05, 0.1)  # the first that the references support
_MOST = 2000  # references that are asked
_MEASURED_ON = "of the gallery's own references, each among the others"


@dataclass(frozen=True, slots=True)
class OwnThreshold:
    """What came of measuring a gallery on itself.

    Attributes:
        point: The stored point; None where the references do not suffice.
        copies: References that were not asked, because their group has a near copy.
        reason: Why there is none, as part of a sentence.
    """

    point: OperatingPoint | None
    copies: int = 0
    reason: str = ""

    def sentence(self, gallery: str) -> str:
        """Report the threshold and its rates, or why there is none, and what to do.

        Args:
            gallery: Path of the gallery, for the command that does better.
        """
        point = self.point
        if point is None:
            return (
                f"No threshold: the model brings none, and {self.reason}. Measure one with other "
                f"pictures: likewise calibrate {gallery} DATA --fpir 0.01. Until then `check` "
                "needs --threshold."
            )
        assert point.interval is not None
        low, high = (f"{100 * end:.2g}" for end in point.interval)
        fnir = "" if point.fnir is None else f" (FNIR {100 * point.fnir:.3g} %)"
        aside = f"; not asked: {self.copies} that have a near copy" if self.copies else ""
        return (
            f"Threshold {point.threshold:.4f}, measured on the gallery itself, because the model "
            f"brings none: {point.false} of {point.queries} unknowns match (95 %: {low} to {high} "
            f"%), {point.missed} of {point.mated} knowns are missed{fnir}{aside}. Other "
            f"pictures measure it better: likewise calibrate {gallery} DATA --fpir "
            f"{point.target:g}."
        )


def is_own(name: str | None, point: OperatingPoint) -> bool:
    """Whether a point is what `measure_own` stores; a calibration may have the same name.

    Args:
        name: Its name.
        point: The point.
    """
    measured_on = point.measured_on
    return name == OWN and (not measured_on or measured_on.endswith(_MEASURED_ON))


def measure_own(gallery: Gallery) -> OwnThreshold:
    """Measure a threshold on a gallery's references and store it as the default.

    Args:
        gallery: Open for writing, without an operating point.

    Returns:
        The threshold, or why there is none.

    Raises:
        StoreError: If the gallery cannot be changed.
    """
    sizes = gallery.labels.values()
    if len(sizes) < 2 or max(sizes) < 2:
        lack = "the gallery has one group" if len(sizes) < 2 else "no group has two pictures"
        return OwnThreshold(None, reason=lack)
    mated, unknown, copies = _searched(gallery)
    if not len(unknown):
        lack = "by this model each picture is a near copy of another of its group"
        return OwnThreshold(None, copies, lack)
    target = next((each for each in _TARGETS if trials_needed(each) <= len(unknown)), None)
    if target is None:
        least = trials_needed(_TARGETS[-1])
        return OwnThreshold(
            None, copies, f"it takes {least} different pictures, and the gallery has {len(unknown)}"
        )
    try:
        threshold = largest_threshold(unknown.distances, target)
    except CalibrationError:
        return OwnThreshold(None, copies, "equal pictures lie in different groups")
    point = replace(
        measured_at(Limits(threshold), mated, {LEFT_OUT: unknown}),
        rate="fpir",
        target=target,
        gallery_size=len(gallery),
        generation=gallery.generation,
        measured_on=f"{len(unknown)} {_MEASURED_ON}",
    )
    gallery.points.store(OWN, point, unknown=unknown.distances)
    return OwnThreshold(point, copies)


def _searched(gallery: Gallery) -> tuple[Mated, NonMated, int]:
    """Search references among the others; count those that have a near copy."""
    ids, labels, vectors = gallery.labelled_references()
    rows = np.sort(np.random.default_rng(0).permutation(len(ids))[:_MOST])
    own_labels = labels[rows]
    searched = GroupDistances.search(
        gallery, vectors[rows], own_labels.tolist(), skip=ids[rows].tolist()
    )
    own, other = searched.near.own, searched.near.other
    same, _ = pair_distances(vectors, labels.tolist(), PAIRS, seed=0)
    different = own > COPY * np.median(same)
    mated = different & np.isfinite(own)
    nearest = [searched.groups[column] for column in searched.near.nearest[different]]
    return (
        Mated(own[mated], other[mated], own_labels[mated].tolist()),
        NonMated(other[different], nearest),
        int((~different).sum()),
    )
