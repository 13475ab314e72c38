"""Memory that a training step frees stays with the process."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from embedder.training.networks import CONVOLUTIONS

# Trains on random digits, and prints how many pages had to be brought in for the last ten steps.
TRAIN = """
import resource, sys
from pathlib import Path
import numpy as np
from embedder.training import fitting
from embedder.training.batches import BalancedImages
from embedder.training.checkpoint import State, ValidationEER
from embedder.training.networks import base_network
from embedder.training.recipes import RECIPES

faults = {}

class Counting(ValidationEER):
    def on_train_batch_end(self, batch, logs=None):
        faults[batch] = resource.getrusage(resource.RUSAGE_SELF).ru_minflt

fitting.ValidationEER = Counting
recipe = RECIPES["default"].changed(epochs=1, batch=100, steps=20, outliers=0.0)
labels = [str(row % 10) for row in range(200)]
pixels = np.random.default_rng(0).integers(0, 255, (200, 28, 28), dtype=np.uint8)
state = State(Path(sys.argv[1]), {})
state.begin()
labelled = fitting.Labelled(pixels, labels)
batches = BalancedImages(pixels, labels, recipe)
fitting.fit(base_network("conv", (28, 28)), batches, labelled, recipe, state)
print(faults[19] - faults[9])
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="glibc's malloc")
def test_what_a_step_freed_is_there_for_the_next_one_although_tensorflow_sets_malloc(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, str(tmp_path / "state")],
        capture_output=True,
        text=True,
        check=True,
    )
    pages = int(done.stdout.splitlines()[-1])
    first_layer = 100 * 14 * 14 * CONVOLUTIONS[0][0] * 4 // 4096  # its output, float32, in pages
    assert pages < 10 * first_layer  # of ten steps, each of which takes far more than that
