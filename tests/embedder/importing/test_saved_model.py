"""SavedModels: taken by their signature, and screened before anything of them is loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from embedder.errors import ImportOptionError, ModelError
from embedder.importing.adopt import adopt
from embedder.importing.options import ImportOptions

SHAPE = (8, 8, 3)
tf = pytest.importorskip("tensorflow")


def network(between=None, outputs=1):
    """Two matrices with a call in between that a test chooses."""
    random = tf.random.Generator.from_seed(0)
    module = tf.Module()
    module.first = tf.Variable(random.normal([192, 16]))
    module.second = tf.Variable(random.normal([16, 5]))

    def call(pixels):
        if between is not None:
            pixels = between(pixels)
        rows = tf.nn.relu(tf.reshape(pixels, [-1, 192]) @ module.first) @ module.second
        return {f"output_{place}": rows * (place + 1) for place in range(outputs)}

    module.call = tf.function(call)
    return module


def saved(module, path, batch=None):
    signature = module.call.get_concrete_function(tf.TensorSpec([batch, *SHAPE], tf.float32))
    tf.saved_model.save(module, str(path), signatures=signature)
    return path


@pytest.fixture
def pictures():
    return np.random.default_rng(2).integers(0, 256, (20, *SHAPE), np.uint8)


@pytest.mark.parametrize("batch", [1, None])
def test_a_signature_gives_what_it_gave_before(tmp_path, pictures, batch):
    module = network()
    path = saved(module, tmp_path / "saved", batch)
    model = adopt(path, tmp_path / "m", ImportOptions(pixels="0..1", as_is=True))
    wanted = module.call(tf.constant(pictures / np.float32(255)))["output_0"].numpy()
    gaps = np.abs(model.embed(pictures) - wanted).max() / np.abs(wanted).max()
    assert gaps <= 1e-6


def test_the_same_import_twice_has_the_same_fingerprint(tmp_path):
    path = saved(network(), tmp_path / "saved")
    options = ImportOptions(pixels="0..1")
    first, second = (adopt(path, tmp_path / name, options) for name in "ab")
    assert first.fingerprint == second.fingerprint


def test_one_of_several_outputs_must_be_named(tmp_path):
    path = saved(network(outputs=2), tmp_path / "saved")
    with pytest.raises(ImportOptionError, match="output_0, output_1"):
        adopt(path, tmp_path / "m", ImportOptions(pixels="0..1"))
    model = adopt(path, tmp_path / "m", ImportOptions(pixels="0..1", output="output_1"))
    assert model.metadata["origin"]["output"] == "output_1"


def test_layers_cannot_be_skipped_where_there_are_none(tmp_path):
    path = saved(network(), tmp_path / "saved")
    with pytest.raises(ImportOptionError, match="keeps none"):
        adopt(path, tmp_path / "m", ImportOptions(pixels="0..1", skip=("dense",)))


def writes(target):
    def between(pixels):
        with tf.control_dependencies([tf.io.write_file(str(target), "written")]):
            return tf.identity(pixels)

    return between


def reads(target):
    target.write_text("secret")

    def between(pixels):
        length = tf.strings.length(tf.io.read_file(str(target)))
        return pixels + tf.cast(length, tf.float32)

    return between


def calls_python(target):
    return lambda pixels: tf.numpy_function(
        lambda x: target.write_text("run") and x, [pixels], tf.float32
    )


@pytest.mark.parametrize("kind", [writes, reads, calls_python])
def test_a_model_that_would_do_more_than_compute_is_refused_and_does_not_run(tmp_path, kind):
    target = tmp_path / "target"
    path = saved(network(kind(target)), tmp_path / "saved")
    before = target.read_text() if target.exists() else None
    with pytest.raises(ModelError, match=r"would run \w+"):
        adopt(path, tmp_path / "m", ImportOptions(pixels="0..1"))
    assert (target.read_text() if target.exists() else None) == before


def test_a_model_that_brings_a_file_is_refused(tmp_path):
    module = network()
    (tmp_path / "words.txt").write_text("one\ntwo\n")
    module.words = tf.saved_model.Asset(str(tmp_path / "words.txt"))
    path = saved(module, tmp_path / "saved")
    with pytest.raises(ModelError, match="brings files or tables"):
        adopt(path, tmp_path / "m", ImportOptions(pixels="0..1"))


def test_a_damaged_model_is_refused(tmp_path):
    path = saved(network(), tmp_path / "saved")
    variables = next(Path(path, "variables").glob("*.data*"))
    variables.write_bytes(variables.read_bytes()[:100])
    with pytest.raises(ModelError, match="damaged"):
        adopt(path, tmp_path / "m", ImportOptions(pixels="0..1"))
    (path / "saved_model.pb").write_bytes(b"\xff\xff\xff")
    with pytest.raises(ModelError, match="damaged"):
        adopt(path, tmp_path / "m", ImportOptions(pixels="0..1"))
