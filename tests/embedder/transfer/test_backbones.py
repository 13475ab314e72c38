"""Models of keras.applications as backbones: imported once, and refused without the internet."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from embedder.errors import ModelError
from embedder.model import SHIPPED, Embedder
from embedder.transfer.backbones import backbone, require_backbone


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "likewise" / "mobilenetv3-small"


@pytest.mark.slow
def test_a_network_of_keras_is_imported_once_and_gives_what_keras_gives(cache, monkeypatch, rng):
    keras = pytest.importorskip("keras")
    small = partial(keras.applications.MobileNetV3Small, weights=None)  # not downloaded in a test
    made = []

    def network(**options):
        keras.utils.set_random_seed(0)
        made.append(small(**options))
        return made[-1]

    monkeypatch.setattr(keras.applications, "MobileNetV3Small", network)
    model = backbone("mobilenetv3-small")
    assert (model.path, model.input_shape, model.dim) == (cache, (224, 224, 3), 576)
    pixels = rng.integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    expected = made[0].predict(pixels.astype("f4"), verbose=0)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(model.embed(pixels), expected, atol=1e-4)
    assert backbone("mobilenetv3-small").fingerprint == model.fingerprint
    assert len(made) == 1


@pytest.mark.slow
def test_weights_that_cannot_be_downloaded_are_refused_with_what_to_do(cache, monkeypatch):
    keras = pytest.importorskip("keras")

    def network(**options):
        raise Exception("URL fetch failure on https://storage")

    monkeypatch.setattr(keras.applications, "MobileNetV3Small", network)
    with pytest.raises(ModelError, match="could not be downloaded: URL fetch failure"):
        backbone("mobilenetv3-small")
    assert not cache.exists()


def test_a_name_of_no_model_is_refused_with_those_that_there_are():
    for name in ("photos", "mobilenetv3-large", str(SHIPPED)):
        require_backbone(name)
    with pytest.raises(ModelError, match="name photos, mobilenetv3-large or mobilenetv3-small"):
        require_backbone("resnet50")


def test_a_model_between_ends_takes_no_head(monkeypatch):
    digits = Embedder.load("digits")
    monkeypatch.setitem(digits.metadata, "ends", {"front": []})
    monkeypatch.setattr(Embedder, "load", lambda name: digits)
    with pytest.raises(ModelError, match="does not take pixels as they are"):
        backbone("digits")
