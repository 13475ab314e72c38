"""From labelled pictures and a backbone to a saved model: features, head, one network, figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from embedder.data.dataset import Dataset
from embedder.destination import check_destination, describe, new_model
from embedder.importing.imported import Imported
from embedder.importing.verify import verify
from embedder.manifest import TRAINED, fingerprint, read_file
from embedder.model import Embedder
from embedder.runtime.litert import LiteRT
from embedder.training.division import division
from embedder.transfer.backbones import backbone as open_backbone
from embedder.transfer.features import FeatureCache
from embedder.transfer.fitting import fit_heads
from embedder.transfer.head import Head
from embedder.transfer.measuring import Sides, nearest_right, seen_figures, thresholds
from embedder.transfer.network import with_head
from embedder.transfer.row_file import Features
from embedder.transfer.settings import DEFAULT, TransferRecipe
from embedder.transfer.unseen import Unseen, judge_unseen, trials
from likewise.metrics.groups import Groups


def transfer(
    dataset: Dataset,
    out: str | Path,
    recipe: TransferRecipe = DEFAULT,
    *,
    resume: bool = False,
    progress: Callable[[int], object] = lambda count: None,
) -> Embedder:
    """Fit a head to a backbone's features of labelled pictures, and save both as one model.

    The figures and thresholds are those of a head that held-out pictures were kept from; the head
    that is saved is fitted to these as well, since few pictures should not be fewer still.

    Args:
        dataset: Labelled pictures: at least two labels with four pictures each, or four with two.
        out: Model directory to write, whole or not at all; an earlier model there is replaced.
            Until it is written, features lie in `<out>.training`.
        recipe: How to fit.
        resume: Go on with a training that was cut off.
        progress: Called with the number of pictures whose features are there.

    Returns:
        The saved model, opened.

    Raises:
        DatasetError: If the pictures or labels do not suffice.
        ModelError: If there is no such backbone, `out` exists and is not a model, or there is an
            unfinished training that should not be resumed, or has other settings.
    """
    out = Path(out)
    check_destination(out)
    backbone = open_backbone(recipe.backbone)
    parts = division(dataset, recipe.validation, recipe.seed)
    settings = {**recipe.described(), "data": dataset.digest, "model": backbone.fingerprint}
    cache = FeatureCache(out.with_name(out.name + ".training"), settings, resume=resume)
    features, raw = cache.fill(dataset, backbone, recipe, progress)
    sides = Sides.of(dataset.labels, parts)
    left_out = trials(sides.fitted_labels, recipe.seed)
    tried_on = [sides.fitted[~away] for away in left_out]
    rows = [sides.fitted, *tried_on, np.arange(len(dataset))]
    measured, *tried, head = fit_heads(features, dataset.labels, recipe, rows)
    unseen = judge_unseen(features, sides.fitted_labels, sides.fitted, left_out, tried)
    details = _details(dataset, recipe, backbone)
    details |= _measured(measured, features, raw, sides, unseen, recipe.seed)
    _save(out, backbone, head, details)
    cache.remove()
    return Embedder.load(out)


def _details(dataset: Dataset, recipe: TransferRecipe, backbone: Embedder) -> dict[str, Any]:
    """The entries of `model.json` that say how the model came to be."""
    origin = {"backbone": backbone.fingerprint, **backbone.metadata.get("origin", {})}
    return {
        "origin": origin,
        "recipe": recipe.described(),
        "data": {"name": dataset.name, "images": len(dataset), "sha256": dataset.digest},
        "labels": Groups.of(dataset.labels).names,
    }


def _measured(
    head: Head,
    features: Features,
    raw: Features,
    sides: Sides,
    unseen: Unseen | None,
    seed: int,
) -> dict[str, Any]:
    """The entries `figures` and `operating_points`: with the head, without it, and raw pixels."""
    figures: dict[str, Any] = {
        "images": len(sides.queries),
        **seen_figures(sides, features, head, seed),
        "of_backbone": seen_figures(sides, features, None, seed),
        "of_raw_pixels": {"rank1": nearest_right(sides, raw, None)},
    }
    if unseen is not None and unseen.rank1 is not None:
        figures["unseen_groups"] = {
            "groups": unseen.groups,
            "rank1": unseen.rank1,
            "rank1_of_backbone": unseen.rank1_of_backbone,
        }
    strangers = None if unseen is None else unseen.strangers
    points = thresholds(sides, features, head, strangers, seed)
    return {"figures": {"validation": figures}, "operating_points": points}


def _save(out: Path, backbone: Embedder, head: Head, details: dict[str, Any]) -> None:
    """Write the model, once its network gave what backbone and head give apart."""
    network = with_head(read_file(backbone.path, "model.tflite", backbone.metadata), head)
    shape, dim = list(backbone.input_shape), len(head.bias)
    apart = Imported(
        network,
        backbone.input_shape,
        dim,
        {},
        source=lambda pixels: head.embed(backbone.embed(pixels)),
    )
    compared = verify(apart, LiteRT(network, dim, None))
    with new_model(out) as staging:
        (staging / "model.tflite").write_bytes(network)
        entries = {
            "format": TRAINED,
            "fingerprint": fingerprint(network, shape, backbone.preprocessing),
            "input_shape": shape,
            "dim": dim,
            "preprocessing": backbone.preprocessing,
            "files": {},
            **details,
            "origin": details["origin"] | compared,
        }
        describe(staging, entries)
