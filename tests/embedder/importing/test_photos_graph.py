"""The graph of the photos model against an independent computation with PyTorch's own tensors."""

from __future__ import annotations

import gzip
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from embedder.model import Embedder
from embedder.photos.model import _weights_file
from embedder.photos.network import GRAPH, SIDE
from embedder.photos.torch_file import read_tensors
from embedder.preprocessing.prepare import prepare

STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
EPSILON = 1e-3


@pytest.fixture(scope="module")
def tensors():
    file = _weights_file()
    assert file is not None
    return read_tensors(file.read_bytes())


@pytest.fixture(scope="module")
def photographs() -> np.ndarray:
    return Embedder.load("photos").prepare(load_sample_images().images)


def features(tensors: dict[str, Any], pixels: np.ndarray) -> np.ndarray:
    """Pooled features, computed layer by layer in float32, nothing folded."""
    tf = pytest.importorskip("tensorflow")

    def norm(x, name):
        mean, variance = tensors[f"{name}.running_mean"], tensors[f"{name}.running_var"]
        x = (x - mean) / np.sqrt(variance + EPSILON)
        return x * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    def conv(x, name, stride=1):
        kernel = tensors[f"{name}.weight"].transpose(2, 3, 1, 0)
        return tf.nn.conv2d(x, kernel, stride, "SAME")

    def depthwise(x, name, stride):
        kernel = tensors[f"{name}.weight"].transpose(2, 3, 0, 1)
        return tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "SAME")

    x = (pixels.astype(np.float32) - 127) / 128
    x = tf.nn.relu6(norm(conv(x, "_conv_stem", 2), "_bn0"))
    for number, stride in enumerate(STRIDES):
        block, before = f"_blocks.{number}.", x
        if number > 0:
            x = tf.nn.relu6(norm(conv(x, f"{block}_expand_conv"), f"{block}_bn0"))
        x = tf.nn.relu6(norm(depthwise(x, f"{block}_depthwise_conv", stride), f"{block}_bn1"))
        x = norm(conv(x, f"{block}_project_conv"), f"{block}_bn2")
        if stride == 1 and before.shape[-1] == x.shape[-1]:
            x = x + before
    x = tf.nn.relu6(norm(conv(x, "_conv_head"), "_bn1"))
    return np.asarray(tf.reduce_mean(x, [1, 2]))


@pytest.mark.costly
def test_embeddings_are_the_pooled_features_at_unit_length(tensors, photographs):
    pooled = features(tensors, photographs)
    expected = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    embedded = Embedder.load("photos").embed(photographs)
    # float16 rounds each weight by up to 5e-4 of it
    assert np.abs(embedded - expected).mean() < 1e-3
    assert (np.einsum("ij,ij->i", embedded, expected) > 0.9999).all()


@pytest.mark.costly
def test_photographs_are_of_the_classes_that_they_show(tensors):
    images = load_sample_images().images
    pooled = features(tensors, prepare(images, "crop", (SIDE, SIDE, 3)))  # as it was trained
    classes = (pooled @ tensors["_fc.weight"].T + tensors["_fc.bias"]).argmax(axis=1)
    palace, daisy = 698, 985  # of ImageNet's 1,000
    assert classes.tolist() == [palace, daisy]


@pytest.mark.slow
def test_the_script_makes_the_graph_that_is_shipped():
    pytest.importorskip("tensorflow")
    from embedder.importing.photos_graph import make_graph

    assert make_graph() == gzip.decompress(GRAPH.read_bytes())
