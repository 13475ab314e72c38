"""Checkpoints: training state, history and best weights, saved after every epoch.

Everything lies in one directory beside the model to be. `history.json` is written last and
names the other files, so a kill at any moment leaves the state of the last whole epoch.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import keras

from embedder.destination import written
from embedder.training.averaging import averaged_weights
from embedder.training.unfinished import require_absent, require_own, require_same
from likewise.arrays import Pixels
from likewise.metrics.pairs import pair_distances
from likewise.metrics.rates import EqualErrorRate, det_curve, equal_error_rate

VALIDATION_PAIRS = 100_000


class State:
    """The directory of an unfinished training.

    Attributes:
        path: The directory.
        settings: What the training was started with; going on needs the same.
        epochs: One entry per finished epoch: loss, validation EER, its threshold, …
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path = path
        self.settings: dict[str, Any] = json.loads(json.dumps(settings))
        self.epochs: list[dict[str, Any]] = []

    def begin(self) -> None:
        """Start a training, unless that would destroy an unfinished one.

        Raises:
            ModelError: If an earlier run left something.
        """
        require_absent(self.path)

    def resume(self) -> None:
        """Resume an earlier run of the same training.

        Raises:
            ModelError: If it was started with other data or settings, or is not a training.
        """
        require_own(self.path, self._is_own())
        if not (self.path / "history.json").exists():
            return
        stored = json.loads((self.path / "history.json").read_text())
        require_same(self.path, stored["settings"], self.settings)
        self.epochs = stored["epochs"]

    def _is_own(self) -> bool:
        return self.path.is_dir() and all(
            file.name.startswith("history.json") or file.name.endswith(".weights.h5")
            for file in self.path.iterdir()
        )

    @property
    def best(self) -> dict[str, Any]:
        """The epoch that is kept: the first with the lowest validation EER, or the last."""
        if self.settings.get("kept") == "last":
            return self.epochs[-1]
        return min(self.epochs, key=lambda epoch: float(epoch["eer"]))

    def has_stopped(self, patience: int) -> bool:
        """Whether the last epochs, `patience` or more, brought nothing better.

        Args:
            patience: Epochs without a better EER after which training stops.
        """
        return bool(self.epochs) and len(self.epochs) - self.best["epoch"] >= patience

    @property
    def checkpoint(self) -> Path:
        """Weights and optimizer state of the last complete epoch."""
        return self.path / f"epoch-{len(self.epochs)}.weights.h5"

    @property
    def best_weights(self) -> Path:
        """Weights of the base network at its best epoch, averaged if the training averages."""
        return self.path / f"best-{self.best['epoch']}.weights.h5"

    def add(self, epoch: dict[str, Any], base: keras.Model) -> None:
        """Add an epoch, and the weights of `base` if it is the best so far.

        Args:
            epoch: Figures of the epoch, by name.
            base: The base network after it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self.epochs.append(epoch)
        if self.best is epoch:
            with written(self.path):
                base.save_weights(self.best_weights)

    def write(self, model: keras.Model) -> None:
        """Save the state and the model in training; delete obsolete files."""
        part = self.path / "history.json.part"
        history = json.dumps({"settings": self.settings, "epochs": self.epochs}, indent=1)
        with written(self.path):
            model.save_weights(self.checkpoint)
            part.write_text(history)
            os.replace(part, self.path / "history.json")
        for file in self.path.glob("*.weights.h5"):
            if file not in (self.checkpoint, self.best_weights):
                file.unlink()


class ValidationEER(keras.callbacks.Callback):
    """After each epoch, measure and record the EER on held-out images; stop early.

    Args:
        base: The base network in training.
        batches: Inputs of the model in training: see `averaged_weights`.
        images: Validation pictures, `(n, *input_shape)`, uint8.
        labels: Their labels, length `n`.
        state: Where to record.
        patience: Epochs without a better EER after which training stops.
        seed: Draws the pairs, the same in every epoch.
    """

    def __init__(
        self,
        base: keras.Model,
        batches: list[Any],
        images: Pixels,
        labels: list[str],
        state: State,
        patience: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.base, self.batches = base, batches
        self.images, self.labels = images, labels
        self.state, self.patience, self.seed = state, patience, seed

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Set dropout and distortion to draws that only seed and epoch decide."""
        for number, layer in enumerate([*self.base.layers, *self.model.layers]):
            generator = getattr(layer, "seed_generator", None)
            if generator is not None:
                generator.state.assign([self.seed + 1000 * number, epoch << 20])

    def measured(self) -> EqualErrorRate:
        """Measure the current base network."""
        embeddings = self.base.predict(self.images, batch_size=500, verbose=0)
        pairs = pair_distances(embeddings, self.labels, VALIDATION_PAIRS, self.seed)
        return equal_error_rate(det_curve(*pairs))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Measure, record, and stop the training when it no longer gets better."""
        figures = {name: float(value) for name, value in (logs or {}).items()}
        with averaged_weights(self.model, self.batches):
            equal_error = self.measured()
            rates = {"eer": equal_error.rate, "threshold": equal_error.threshold}
            self.state.add({"epoch": epoch + 1, **figures, **rates}, self.base)
        self.state.write(self.model)
        if logs is not None:
            logs["val_eer"] = equal_error.rate
        if self.state.has_stopped(self.patience):
            self.model.stop_training = True
