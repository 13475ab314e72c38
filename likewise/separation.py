"""Warn where a model does not separate a gallery's groups."""

from __future__ import annotations

from index.operating_point import OperatingPoint


def warning(point: OperatingPoint) -> str | None:
    """Warn of a threshold that misses most pictures; None where it does not.

    Example:
        >>> warning(OperatingPoint(threshold=0.5, mated=4, missed=3, fnir=0.75))[:61]
        'At the threshold 0.5000, 75 % of known pictures are missed: t'
    """
    if not point.misses_most:
        return None
    assert point.fnir is not None
    return (
        f"At the threshold {point.threshold:.4f}, {100 * point.fnir:.0f} % of known pictures are "
        "missed: the model does not separate these groups. Search (`likewise query`) works all "
        "the same; to check, fit a model to your pictures, likewise train DATA --out MODEL, or "
        "allow more false matches, likewise calibrate."
    )
