"""Choose a recipe by the kind and number of the pictures, where the user names none.

A network trained from scratch needs thousands of pictures, and simple ones. Photographs, and few
pictures of any kind, are better served by a model that has seen millions, and a head that is fitted
to them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from embedder.data.dataset import Dataset
from embedder.text import counted
from likewise.arrays import Pixels
from likewise.metrics.groups import Groups

DEFAULT, TRANSFER = "default", "transfer"

_ENOUGH = 1000  # pictures that suffice to train a network from scratch
_SMALL = 64  # pixels: side of small pictures
_LOOKED_AT = 64  # pictures whose colours and levels are looked at
_NEAR_AN_END = 0.25  # share of the range between a picture's darkest and lightest
_DRAWN = 0.9  # share of a drawing's pixels that are near its darkest or lightest
_MANY_GROUPS = 30  # so many that more are likely to come later
_OF_MANY = {"turned": True, "batch": 192}


@dataclass(frozen=True, slots=True)
class RecipeChoice:
    """A recipe that was chosen for pictures.

    Attributes:
        name: `default` or `transfer`.
        reason: Why, as part of a sentence.
        settings: What to change in the recipe.
    """

    name: str
    reason: str
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The choice and its reason."""
        words = [self.name]
        for setting, value in self.settings.items():
            words += [f"--{setting}"] if value is True else [f"--{setting}", str(value)]
        return f"Recipe: {' '.join(words)}, because {self.reason}."


def choose_recipe(dataset: Dataset) -> RecipeChoice:
    """Choose a recipe for labelled pictures.

    Args:
        dataset: The pictures; at least one.

    Example:
        >>> few = Dataset(["a", "b"], ["1", "2"], np.zeros((2, 28, 28), np.uint8))
        >>> choose_recipe(few).sentence
        'Recipe: transfer, because there are only 2 pictures.'
    """
    if len(dataset) < _ENOUGH:
        return RecipeChoice(TRANSFER, f"there are only {counted(len(dataset), 'picture')}")
    rows = np.linspace(0, len(dataset) - 1, min(_LOOKED_AT, len(dataset))).astype(int)
    looks = list(dataset.subset(rows).each(lambda row, picture: _Look.at(picture)))
    if any(look.is_coloured for look in looks):
        return RecipeChoice(TRANSFER, "the pictures are in colour, as photographs are")
    drawn = float(np.mean([look.near_an_end for look in looks])) >= _DRAWN
    if not drawn and max(look.side for look in looks) > _SMALL:
        return RecipeChoice(TRANSFER, "the pictures look like photographs")
    what = "drawings" if drawn else f"grey pictures of up to {_SMALL} pixels"
    reason = f"there are {counted(len(dataset), 'picture')}, all of them {what}"
    groups = len(Groups.of(dataset.labels).names)
    if not drawn or groups < _MANY_GROUPS:
        return RecipeChoice(DEFAULT, reason)
    return RecipeChoice(DEFAULT, f"{reason}, of {groups} groups", dict(_OF_MANY))


@dataclass(frozen=True, slots=True)
class _Look:
    """Properties of one picture.

    Attributes:
        is_coloured: Whether any pixel is of a colour.
        near_an_end: The share of pixels that are near the darkest or the lightest: of a drawing,
            nearly all, ink or paper.
        side: Length of the longer side.
    """

    is_coloured: bool
    near_an_end: float
    side: int

    @classmethod
    def at(cls, picture: Pixels) -> _Look:
        low, high = int(picture.min()), int(picture.max())
        margin = _NEAR_AN_END * (high - low)
        near = float(np.mean((picture <= low + margin) | (picture >= high - margin)))
        coloured = picture.ndim == 3 and bool((picture != picture[..., :1]).any())
        return cls(coloured, near, max(picture.shape[:2]))
