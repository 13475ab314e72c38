"""Features of pictures and of their views, computed once and kept until the model is written.

<out>.training/transfer.json   the settings, and how many pictures are done
<out>.training/features.npy    float32 (n, views + 1, d), filled from the start
<out>.training/raw.npy         uint8 (n, 1, 3072), the pictures at 32 x 32 pixels
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from embedder.data.dataset import Dataset
from embedder.destination import written
from embedder.model import Embedder
from embedder.preprocessing.prepare import prepare
from embedder.training.unfinished import require_absent, require_own, require_same
from embedder.transfer.row_file import RowFile
from embedder.transfer.settings import TransferRecipe
from embedder.transfer.views import shrunk, views_of
from likewise.arrays import Pixels

_AT_ONCE = 32  # pictures whose views are embedded together
_STATE, _FEATURES, _RAW = "transfer.json", "features.npy", "raw.npy"
_RAW_SHAPE = (32, 32, 3)
_SIDES = 2  # views are parts of a picture of at least this many times the network's side


class FeatureCache:
    """The features of one training.

    Args:
        path: Directory of the unfinished training.
        settings: Settings of the training, as JSON; resuming needs the same.
        resume: Whether to go on with what lies there.

    Raises:
        ModelError: If there is an unfinished training that should not be resumed, one with other
            settings, or something else.
    """

    def __init__(self, path: Path, settings: dict[str, Any], *, resume: bool) -> None:
        self.path = path
        self._settings = json.loads(json.dumps(settings))
        self._done = 0
        if not os.path.lexists(path):
            return
        require_own(path, self._is_own())
        if not resume:
            require_absent(path)
        self._done = self._stored()

    def _is_own(self) -> bool:
        names = {_STATE, f"{_STATE}.part", _FEATURES, _RAW}
        return self.path.is_dir() and {file.name for file in self.path.iterdir()} <= names

    def _stored(self) -> int:
        """How many pictures are done."""
        state = self.path / _STATE
        if not state.exists():
            return 0
        stored = json.loads(state.read_text())
        require_same(self.path, stored["settings"], self._settings)
        return int(stored["done"])

    def fill(
        self,
        dataset: Dataset,
        backbone: Embedder,
        recipe: TransferRecipe,
        progress: Callable[[int], object] = lambda count: None,
    ) -> tuple[RowFile, RowFile]:
        """Compute the features that are not there yet, as the pictures come by.

        Args:
            dataset: n pictures.
            backbone: Embeds them.
            recipe: Says how many views there are, and seeds them.
            progress: Called with the number of pictures whose features are there.

        Returns:
            Features `(n, views + 1, d)`, float32, the first of each picture its own; and raw pixels
            `(n, 1, 3072)`, uint8.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with written(self.path):
            features, raw = self._opened(len(dataset), recipe.views + 1, backbone.dim)
        progress(self._done)
        with closing(dataset.each(_Reader(backbone, recipe), self._done)) as pictures:
            while batch := list(islice(pictures, _AT_ONCE)):
                embedded = backbone.embed(np.concatenate([views for views, _ in batch]))
                with written(self.path):
                    features.write(self._done, embedded.reshape(len(batch), *features.shape[1:]))
                    raw.write(self._done, np.stack([pixels for _, pixels in batch]))
                    self._note(self._done + len(batch))
                progress(len(batch))
        return features, raw

    def _opened(self, count: int, views: int, dim: int) -> tuple[RowFile, RowFile]:
        files = [self.path / _FEATURES, self.path / _RAW]
        if not (self._done and all(file.exists() for file in files)):
            self._done = 0
            for file in files:
                file.unlink(missing_ok=True)
        return (
            RowFile(files[0], (count, views, dim), np.float32),
            RowFile(files[1], (count, 1, math.prod(_RAW_SHAPE)), np.uint8),
        )

    def _note(self, done: int) -> None:
        part = self.path / f"{_STATE}.part"
        part.write_text(json.dumps({"settings": self._settings, "done": done}))
        os.replace(part, self.path / _STATE)
        self._done = done

    def remove(self) -> None:
        """Remove the directory."""
        shutil.rmtree(self.path)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns a picture into what is embedded, and into raw pixels: small, whatever its own size."""

    backbone: Embedder
    recipe: TransferRecipe

    def __call__(self, row: int, picture: Pixels) -> tuple[Pixels, Pixels]:
        """Views `(views + 1, *input_shape)`, the same after a training was cut off, and pixels."""
        recipe = self.recipe
        rng = np.random.default_rng((recipe.seed, row))
        small = shrunk(picture, _SIDES * max(self.backbone.input_shape[:2]))
        _, *views = views_of(small, recipe.views, recipe.flip, rng)
        raw = prepare([small], "stretch", _RAW_SHAPE).reshape(1, -1)
        return self.backbone.prepare([picture, *views]), raw
