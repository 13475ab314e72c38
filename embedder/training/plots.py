"""The pictures of a training: its history, and the tutorial's 16 pairs with their distances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from embedder.model import Embedder
from embedder.training.pairs import pair_positions
from likewise.arrays import Pixels


def draw_history(epochs: list[dict[str, Any]], path: Path) -> None:
    """Draw loss and validation EER over the epochs.

    Args:
        epochs: One entry per epoch, with `epoch`, `loss` and `eer`.
        path: PNG file to write.
    """
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    numbers = [entry["epoch"] for entry in epochs]
    drawn = {
        "training loss": [entry["loss"] for entry in epochs],
        "validation EER, %": [100 * entry["eer"] for entry in epochs],
    }
    for panel, (name, values) in zip(figure.subplots(1, 2), drawn.items(), strict=True):
        panel.plot(numbers, values)
        panel.set(xlabel="epoch", ylabel=name, yscale="log" if min(values) > 0 else "linear")
    figure.savefig(path, metadata={"Software": None})


def draw_pairs(
    embedder: Embedder,
    pictures: Pixels,
    labels: list[str],
    threshold: float,
    seed: int,
    path: Path,
) -> None:
    """Draw 16 random pairs, each with its distance; red where the threshold judges it wrongly.

    Args:
        embedder: The trained model.
        pictures: Shape `(n, *input_shape)`, uint8.
        labels: Length `n`.
        threshold: Largest distance that is a match.
        seed: Draws the pairs.
        path: PNG file to write.
    """
    first, second, same = pair_positions(labels, seed=seed)
    shown = np.random.default_rng([seed, 16]).permutation(len(same))[:16]
    left, right = pictures[first[shown]], pictures[second[shown]]
    distances = np.linalg.norm(embedder.embed(left) - embedder.embed(right), axis=1)
    figure = Figure(figsize=(8, 5.4), layout="constrained")
    panels = figure.subplots(4, 4).ravel()
    for panel in panels:
        panel.axis("off")
    pairs = np.concatenate([left, right], axis=2)
    for panel, pair, distance, is_same in zip(panels, pairs, distances, same[shown], strict=False):
        panel.imshow(pair, cmap="gray", vmin=0, vmax=255)
        is_right = (distance <= threshold) == bool(is_same)
        title = f"{'same' if is_same else 'different'}: {distance:.2f}"
        panel.set_title(title, color="black" if is_right else "red", fontsize=10)
    figure.suptitle(f"distance of 16 random pairs; a match is at most {threshold:.2f}")
    figure.savefig(path, metadata={"Software": None})
