"""Measure a trained network: figures and thresholds on validation pictures."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np

from embedder.training.division import enrolled
from embedder.training.fitting import Labelled
from embedder.training.outliers import make_outliers
from embedder.training.recipes import TUTORIAL_THRESHOLD, Recipe
from embedder.training.thresholds import FPIR, Labels, nearest, pair_point, search_point
from embedder.training.writing.making import make_signs
from likewise.arrays import Floats, Indices, Pixels
from likewise.metrics.groups import Groups
from likewise.metrics.pairs import pair_distances
from likewise.metrics.rates import det_curve, equal_error_rate, pair_accuracy

_PAIRS = 200_000  # pairs of each kind
_OUTLIERS = 5_000
# Many signs are copied badly, down to a few pixels: of typefaces' letters hardly more match.
_SIGNS_FPIR = 0.04
_ASKED = 1_000  # held-out pictures whose nearest training picture is looked for, at most


def measured(
    base: keras.Model, fitted_on: Labelled, validation: Labelled, recipe: Recipe
) -> dict[str, Any]:
    """Measure a base network on held-out pictures.

    Args:
        base: The trained base network.
        fitted_on: The training pictures: the references of searches, beside one picture of each
            held-out label that they lack.
        validation: Pictures to measure pairs and searches with.
        recipe: Says whether the network was trained with outliers, and seeds every draw.

    Returns:
        The entries `figures` and `operating_points` of `model.json`: the point `eer` for pairs,
        and `default` for searches where the recipe has outliers.
    """
    pixels, labels = validation
    searched, asked = _searched(fitted_on, validation)
    references, embeddings = (_embedded(base, images) for images in (searched.pixels, pixels))
    same, different = pair_distances(embeddings, labels, _PAIRS, recipe.seed + 1)
    first = asked[:_ASKED]
    known = np.array(labels)
    point = pair_point(same, different, len(labels))
    figures = {
        "images": len(labels),
        "pairs": 2 * _PAIRS,
        "eer": equal_error_rate(det_curve(same, different)).rate,
        "pair_accuracy": pair_accuracy(same, different, point["threshold"]),
        "pair_accuracy_at_0.5": pair_accuracy(same, different, TUTORIAL_THRESHOLD),
        "rank1": _rank1(references, searched.labels, embeddings[first], known[first]),
        "of_raw_pixels": {
            "rank1": _rank1(
                _unchanged(searched.pixels),
                searched.labels,
                _unchanged(pixels[first]),
                known[first],
            )
        },
    }
    points = {"eer": point}
    if recipe.outliers:
        unknown = _unknown(validation, recipe)
        points["default"] = search_point(
            references,
            np.array(searched.labels),
            embeddings[asked],
            known[asked],
            _embedded(base, unknown.pixels),
            fpir=unknown.fpir,
            made=unknown.words,
        )
    return {"figures": {"validation": figures}, "operating_points": points}


class _Unknown(NamedTuple):
    """Made pictures of no group, the share of them that may match, and what they are in words."""

    pixels: Pixels
    fpir: float
    words: str


def _unknown(validation: Labelled, recipe: Recipe) -> _Unknown:
    """Make pictures of no group, none of them trained on.

    Letters and signs where the recipe has them: of halves and overlays of digits some are good
    digits, and the threshold that keeps these out loses true ones.
    """
    pixels, labels = validation
    if recipe.signs:
        signs = make_signs(pixels.shape[1:], _OUTLIERS, recipe.seed + 1)
        return _Unknown(signs, _SIGNS_FPIR, "drawn letters and signs")
    outliers = make_outliers(pixels, Groups.of(labels).codes, _OUTLIERS, recipe.seed)
    return _Unknown(outliers, FPIR, "outliers made of them")


def _searched(fitted_on: Labelled, validation: Labelled) -> tuple[Labelled, Indices]:
    """The references, and the rows of the held-out pictures that are searched among them."""
    pixels, labels = validation
    chosen, asked = enrolled(fitted_on.labels, labels)
    if not len(chosen):
        return fitted_on, asked
    names = [*fitted_on.labels, *(labels[row] for row in chosen.tolist())]
    return Labelled(np.concatenate([fitted_on.pixels, pixels[chosen]]), names), asked


def _embedded(base: keras.Model, images: Pixels) -> Floats:
    vectors: Floats = base.predict(images, batch_size=500, verbose=0)
    return vectors


def _unchanged(images: Pixels) -> Floats:
    """Pixels as they are, for comparison."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def _rank1(references: Floats, reference_labels: list[str], asked: Floats, labels: Labels) -> float:
    """The share of asked pictures whose nearest reference has their label."""
    _, places = nearest(references, asked)
    return float(np.mean(np.array(reference_labels)[places] == labels))
