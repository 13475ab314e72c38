"""Small networks as people save them, written once for all tests of imports."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

SHAPE = (8, 8, 1)


class Saved(NamedTuple):
    """A saved Siamese network and its base."""

    keras: Path
    h5: Path
    base: object  # a keras.Model


@pytest.fixture(scope="session")
def keras():
    """Keras, imported by the first test that needs it: it takes seconds."""
    return pytest.importorskip("keras")


def shaken(model, seed=0):
    """Give every weight another value than its initial one."""
    random = np.random.default_rng(seed)
    model.set_weights([random.uniform(0.1, 1, each.shape) for each in model.get_weights()])


def base_network(keras, shape=SHAPE):
    start = keras.Input(shape)
    x = keras.layers.BatchNormalization()(start)
    x = keras.layers.Conv2D(3, 3, activation="tanh")(x)
    x = keras.layers.Dropout(0.2)(keras.layers.AveragePooling2D(2)(x))
    return keras.Model(start, keras.layers.Dense(5)(keras.layers.Flatten()(x)))


def siamese_network(keras, base, shape=SHAPE):
    """A Siamese network with marshalled Python on top, as the tutorials have it."""
    a, b = keras.Input(shape), keras.Input(shape)
    gap = keras.layers.Lambda(lambda pair: abs(pair[0] - pair[1]))([base(a), base(b)])
    return keras.Model([a, b], keras.layers.Dense(1, activation="sigmoid")(gap))


@pytest.fixture(scope="session")
def siamese(tmp_path_factory, keras) -> Saved:
    base = base_network(keras)
    model = siamese_network(keras, base)
    shaken(model)
    return written(model, base, tmp_path_factory.mktemp("siamese"))


def written(model, base, folder) -> Saved:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras calls .h5 legacy
        model.save(folder / "model.keras")
        model.save(folder / "model.h5")
    return Saved(folder / "model.keras", folder / "model.h5", base)


def embeddings(base, pixels):
    """What a base itself gives for pixels of 0 to 255 that it expects as 0 to 1, at length 1."""
    rows = np.asarray(base(pixels[..., None].astype("float32") / 255), np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def pixels():
    return np.random.default_rng(1).integers(0, 256, (6, 8, 8), np.uint8)


def with_config(source: Path, out: Path, change) -> Path:
    """Copy a `.keras` file with its configuration changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                content = json.dumps(change(json.loads(content))).encode()
            new.writestr(name, content)
    return out
