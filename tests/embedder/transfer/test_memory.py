"""A training's memory does not grow with the pictures that it is given."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

SIDE = 1000  # pixels; 3 MB a picture in colour
FEW = 40
SCRIPT = """
import resource, sys
from embedder.data.sources import load
from embedder.transfer.settings import TransferRecipe
from embedder.transfer.train import transfer

recipe = TransferRecipe(backbone="digits", dim=8, views=1, steps=5)
transfer(load(sys.argv[1], keep=False), sys.argv[1] + ".model", recipe)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def pictures(folder, count: int):
    """Photographs of four groups, each of its own shade."""
    for number in range(count):
        group = folder / f"group {number % 4}"
        group.mkdir(parents=True, exist_ok=True)
        pixels = np.full((SIDE, SIDE, 3), (number, 60 * (number % 4), 90), np.uint8)
        pixels[300:700, 300:700] = 255 - number
        Image.fromarray(pixels).save(group / f"{number}.jpg")
    return folder


def peak(folder) -> int:
    """The most memory, in bytes, that a training takes in a process of its own."""
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory otherwise")
def test_four_times_the_pictures_take_a_training_hardly_more_memory(tmp_path) -> None:
    more = peak(pictures(tmp_path / "many", 4 * FEW)) - peak(pictures(tmp_path / "few", FEW))
    of_more_pictures = 3 * FEW * SIDE * SIDE * 3  # 360 MB, as they are in memory
    assert more < of_more_pictures / 4
