"""Measure a trained network: figures and thresholds on validation pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from embedder.training.fitting import Labelled
from embedder.training.outliers import make_outliers
from embedder.training.recipes import TUTORIAL_THRESHOLD, Recipe
from embedder.training.thresholds import Point, nearest, pair_point, search_point
from likewise.arrays import Floats, Pixels
from likewise.metrics.groups import Groups
from likewise.metrics.pairs import pair_distances
from likewise.metrics.rates import det_curve, equal_error_rate, pair_accuracy

_PAIRS = 200_000  # of each kind
_OUTLIERS = 5_000
_ASKED = 1_000  # held-out pictures whose nearest training picture is looked for, at most


def measured(
    base: keras.Model, fitted_on: Labelled, validation: Labelled, recipe: Recipe
) -> dict[str, Any]:
    """Measure a base network on held-out pictures.

    Args:
        base: The trained base network.
        fitted_on: The training pictures: the references of searches.
        validation: Pictures to measure pairs and searches with.
        recipe: Says whether the network was trained with outliers, and seeds every draw.

    Returns:
        The entries `figures` and `operating_points` of `model.json`: the point `eer` for pairs,
        and `default` for searches where the recipe has outliers.
    """
    pixels, labels = validation
    embeddings = base.predict(pixels, batch_size=500, verbose=0)
    same, different = pair_distances(embeddings, labels, _PAIRS, recipe.seed + 1)
    point = pair_point(same, different, len(labels))
    figures = {
        "images": len(labels),
        "pairs": 2 * _PAIRS,
        "eer": equal_error_rate(det_curve(same, different)).rate,
        "pair_accuracy": pair_accuracy(same, different, point["threshold"]),
        "pair_accuracy_at_0.5": pair_accuracy(same, different, TUTORIAL_THRESHOLD),
        "rank1": _rank1(fitted_on, validation, lambda images: _embedded(base, images)),
        "of_raw_pixels": {"rank1": _rank1(fitted_on, validation, _unchanged)},
    }
    points = {"eer": point}
    if recipe.outliers:
        points["default"] = _search_point(base, fitted_on, validation, recipe.seed)
    return {"figures": {"validation": figures}, "operating_points": points}


def _embedded(base: keras.Model, images: Pixels) -> Floats:
    vectors: Floats = base.predict(images, batch_size=500, verbose=0)
    return vectors


def _unchanged(images: Pixels) -> Floats:
    """Pixels as they are, for comparison."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def _rank1(
    fitted_on: Labelled, validation: Labelled, vectors_of: Callable[[Pixels], Floats]
) -> float:
    """The share of held-out pictures whose nearest training picture has their label."""
    images, labels = validation.pixels[:_ASKED], np.array(validation.labels[:_ASKED])
    _, places = nearest(vectors_of(fitted_on.pixels), vectors_of(images))
    return float(np.mean(np.array(fitted_on.labels)[places] == labels))


def _search_point(base: keras.Model, fitted_on: Labelled, validation: Labelled, seed: int) -> Point:
    """Measure a threshold for galleries on validation pictures and on outliers made of them."""
    pixels, labels = validation
    outliers = make_outliers(pixels, Groups.of(labels).codes, _OUTLIERS, seed)
    references, known, unknown = (
        base.predict(images, batch_size=500, verbose=0)
        for images in (fitted_on.pixels, pixels, outliers)
    )
    return search_point(references, np.array(fitted_on.labels), known, np.array(labels), unknown)
