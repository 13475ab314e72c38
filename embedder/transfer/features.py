"""Features of pictures and of their views, computed once and kept until the model is written.

<out>.training/transfer.json   the settings, and how many pictures are done
<out>.training/features.npy    float32 (n, views + 1, d), filled from the start
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from embedder.data.dataset import Dataset
from embedder.model import Embedder
from embedder.training.unfinished import require_absent, require_own, require_same
from embedder.transfer.settings import TransferRecipe
from embedder.transfer.views import views_of
from likewise.arrays import Floats

_AT_ONCE = 32  # pictures whose views are embedded together
_STATE, _FEATURES = "transfer.json", "features.npy"


class FeatureCache:
    """The features of one training.

    Args:
        path: Directory of the unfinished training.
        settings: Those of the training, as JSON can hold them; going on needs the same.
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
        names = {_STATE, f"{_STATE}.part", _FEATURES}
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
    ) -> Floats:
        """Compute the features that are not there yet.

        Args:
            dataset: n pictures.
            backbone: Embeds them.
            recipe: Says how many views there are, and seeds them.
            progress: Called with the number of pictures whose features are there.

        Returns:
            `(n, views + 1, d)`, float32, in a file; the first of each picture is its own.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        shape = (len(dataset), recipe.views + 1, backbone.dim)
        features = self._opened(shape)
        progress(self._done)
        for start in range(self._done, len(dataset), _AT_ONCE):
            rows = range(start, min(start + _AT_ONCE, len(dataset)))
            pictures = [view for row in rows for view in _views(dataset, row, recipe)]
            embedded = backbone.embed(backbone.prepare(pictures))
            features[rows.start : rows.stop] = embedded.reshape(len(rows), *shape[1:])
            features.flush()
            self._note(rows.stop)
            progress(len(rows))
        return features

    def _opened(self, shape: tuple[int, ...]) -> np.memmap[Any, Any]:
        file = self.path / _FEATURES
        if self._done and file.exists():
            return np.lib.format.open_memmap(file, mode="r+")
        self._done = 0
        return np.lib.format.open_memmap(file, "w+", np.float32, shape)

    def _note(self, done: int) -> None:
        part = self.path / f"{_STATE}.part"
        part.write_text(json.dumps({"settings": self._settings, "done": done}))
        os.replace(part, self.path / _STATE)

    def remove(self) -> None:
        """Remove the directory."""
        shutil.rmtree(self.path)


def _views(dataset: Dataset, row: int, recipe: TransferRecipe) -> list[Any]:
    """Views of a picture; the same after a training was cut off."""
    rng = np.random.default_rng((recipe.seed, row))
    return views_of(dataset.images[row], recipe.views, recipe.flip, rng)
