"""The shipped model, opened by LiteRT alone."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from embedder.model import SHIPPED, Embedder


@pytest.fixture(scope="module")
def embedder():
    return Embedder.load()


@pytest.fixture
def pixels(rng):
    return rng.integers(0, 256, (200, 28, 28), dtype=np.uint8)


def test_embeddings_have_one_row_per_picture_and_unit_length(embedder, pixels):
    embeddings = embedder.embed(pixels)
    assert (embeddings.shape, embeddings.dtype) == ((200, embedder.dim), np.float32)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("size", [1, 3, 64, 65, 199])
def test_a_picture_gives_the_same_bits_in_a_batch_of_any_size(embedder, pixels, size):
    np.testing.assert_array_equal(embedder.embed(pixels[:size]), embedder.embed(pixels)[:size])


def test_the_number_of_threads_changes_nothing(pixels):
    item, four = (Embedder.load(threads=threads).embed(pixels) for threads in (1, 4))
    np.testing.assert_array_equal(item, four)


@pytest.mark.costly
def test_threads_may_share_an_embedder(embedder, pixels):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(embedder.embed, [pixels] * 8))
    assert all(np.array_equal(answer, embedder.embed(pixels)) for answer in answers)


def test_no_pictures_give_no_embeddings(embedder):
    assert embedder.embed(np.empty((0, 28, 28), np.uint8)).shape == (0, embedder.dim)


def test_pictures_of_another_shape_are_refused_with_both_shapes(embedder):
    with pytest.raises(ValueError, match=r"\(n, 28, 28\).*uint8 of shape \(2, 32, 32\)"):
        embedder.embed(np.zeros((2, 32, 32), np.uint8))


def test_float_pictures_are_refused(embedder):
    with pytest.raises(ValueError, match="Received: float32"):
        embedder.embed(np.zeros((2, 28, 28), np.float32))


def test_embedding_never_imports_tensorflow():
    script = (
        "import sys, numpy as np; from embedder.model import Embedder;"
        "Embedder.load().embed(np.zeros((1, 28, 28), np.uint8));"
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.costly
def test_the_keras_half_of_the_model_gives_the_same_embeddings(embedder, pixels):
    import keras

    base = keras.models.load_model(SHIPPED / "base.keras", safe_mode=True)
    expected = base.predict(pixels, verbose=0)
    np.testing.assert_allclose(embedder.embed(pixels), expected, atol=2e-6)
