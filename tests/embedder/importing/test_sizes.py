"""A small file that asks for a huge network is refused before memory is taken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from embedder.errors import ModelError
from embedder.importing.keras_files.graph import Layer
from embedder.importing.keras_files.sizes import Budget
from tests.embedder.importing.conftest import with_config

ROOT = Path(__file__).parents[3]


def layer(kind, **config):
    return Layer(kind.lower(), {"class_name": kind, "config": config}, "", trainable=True)


@pytest.mark.parametrize(
    ("strange", "shape"),
    [
        (layer("Dense", units=10**7), (None, 256)),  # 2.6e9 weights
        (layer("Conv2D", filters=10**8, kernel_size=[3, 3]), (None, 8, 8, 1)),
        (layer("Conv2D", filters=1, kernel_size=10**9), (None, 8, 8, 1)),
        (layer("DepthwiseConv2D", depth_multiplier=10**8, kernel_size=[3, 3]), (None, 8, 8, 1)),
        (layer("LayerNormalization", axis=[1, 2, 3]), (None, 4096, 4096, 64)),
    ],
)
def test_weights_of_more_than_2_gib_are_refused(strange, shape):
    with pytest.raises(ModelError, match="more than 2 GiB"):
        Budget("huge.keras").spend(strange, shape)


def test_many_layers_are_counted_together():
    budget, dense = Budget("many.keras"), layer("Dense", units=1 << 14)
    budget.spend(dense, (None, 1 << 14))  # 2**28 of the 2**29 numbers in 2 GiB
    budget.spend(dense, (None, 1 << 14))
    with pytest.raises(ModelError, match="more than 2 GiB"):
        budget.spend(dense, (None, 1 << 14))


def test_a_layer_that_scales_pictures_up_a_millionfold_is_refused():
    upsampling = layer("UpSampling2D", size=[10**4, 10**4])
    Budget("up.keras").check_values(upsampling, (None, 1024, 1024, 64))
    with pytest.raises(ModelError, match="gives 6400000000 numbers for a picture"):
        Budget("up.keras").check_values(upsampling, (None, 80_000, 80_000, 1))


def of_a_hundred_million_units(config):
    """Change the first dense layer of a nested model."""
    for entry in config["config"]["layers"]:
        for inner in entry["config"].get("layers", ()):
            if inner["class_name"] == "Dense":
                inner["config"]["units"] = 10**8  # 27 inputs each: 10 GiB
    return config


def imported(file, *options):
    """Run the command in a process of its own, as an open HDF5 file crashes Python at its end."""
    return subprocess.run(
        [sys.executable, "-c", "from cli import main; main()", "import", file, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_the_command_names_the_layer_and_ends_as_after_any_error(siamese, tmp_path):
    file = with_config(siamese.keras, tmp_path / "huge.keras", of_a_hundred_million_units)
    done = imported(file, "--out", tmp_path / "m", "--pixels", "0..1")
    assert "more than 2 GiB" in done.stderr.splitlines()[-1]
    assert done.returncode == 1


@pytest.mark.slow
def test_a_refused_h5_file_ends_so_too(siamese, tmp_path):
    done = imported(siamese.h5, "--out", tmp_path / "m", "--pixels", "0..1", "--output", "x")
    assert "No layer is named 'x'" in done.stderr.splitlines()[-1]
    assert done.returncode == 1
