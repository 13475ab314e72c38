"""Which settings only one kind of recipe has, so that naming one names the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OF_TRANSFER = ("backbone", "flip")
OF_PAIRS = ("pairs_per_image",)
OF_NETWORKS = (
    *OF_PAIRS,
    "network",
    "epochs",
    "batch",
    "outliers",
    "composites",
    "preprocessing",
    "turned",
    "size",
)
# What a training that goes on from a model has from that model.
OF_START = ("recipe", *OF_TRANSFER, "network", "pairs_per_image", "preprocessing", "size", "turned")


def recipe_of(settings: Mapping[str, Any]) -> str | None:
    """Name the recipe that a setting belongs to; None where no setting decides.

    Args:
        settings: Values by name, None where the caller names none.

    Example:
        >>> recipe_of({"epochs": 3, "flip": None}), recipe_of({"seed": 1})
        ('default', None)
        >>> recipe_of({"epochs": 3, "pairs_per_image": 2})
        'tutorial'
    """
    if any(settings.get(name) is not None for name in OF_TRANSFER):
        return "transfer"
    if any(settings.get(name) is not None for name in OF_PAIRS):
        return "tutorial"
    named = any(settings.get(name) is not None for name in OF_NETWORKS)
    return "default" if named else None
