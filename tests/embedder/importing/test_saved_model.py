"""SavedModels: imported by their signature, and screened before any part is loaded."""

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
    with pytest.raises(ImportOptionError, match="stores none"):
        adopt(path, tmp_path / "m", ImportOptions(pixels="0..1", skip=("dense",)))


@pytest.mark.parametrize(
    "between",
    [
        lambda pixels: tf.nn.gelu(pixels, approximate=False),  # Erfc
        lambda pixels: tf.ensure_shape(pixels, [None, *SHAPE]),
        lambda pixels: tf.math.divide_no_nan(tf.sin(pixels), tf.cos(pixels)),
        lambda pixels: pixels + tf.one_hot(tf.argmin(pixels, axis=-1), 3),
    ],
)
def test_a_network_that_only_computes_is_imported_and_gives_what_it_gave(
    tmp_path, pictures, between
):
    module = network(between)
    path = saved(module, tmp_path / "saved")
    model = adopt(path, tmp_path / "m", ImportOptions(pixels="0..1", as_is=True))
    wanted = module.call(tf.constant(pictures / np.float32(255)))["output_0"].numpy()
    assert np.abs(model.embed(pictures) - wanted).max() / np.abs(wanted).max() <= 1e-5


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


@pytest.mark.parametrize(
    ("shapes", "reason"),
    [
        ([[None, *SHAPE], [None, *SHAPE]], r"takes 2 inputs .*Import the Keras file"),
        ([[3, *SHAPE]], "takes exactly 3 pictures at a time"),
        ([[None]], "not a batch of pictures"),
    ],
)
def test_a_signature_that_takes_no_single_picture_is_refused(tmp_path, shapes, reason):
    module = tf.Module()
    module.call = tf.function(lambda *pixels: {"rows": tf.reshape(pixels[0], [-1, 192])})
    specs = [tf.TensorSpec(shape, tf.float32, name=f"p{n}") for n, shape in enumerate(shapes)]
    signature = module.call.get_concrete_function(*specs)
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=signature)
    with pytest.raises(ModelError, match=reason):
        adopt(tmp_path / "saved", tmp_path / "m", ImportOptions(pixels="0..1"))


def test_a_model_without_a_signature_is_refused_with_the_way_to_write_one(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "saved"))
    with pytest.raises(ModelError, match=r"no signature.*model\.export"):
        adopt(tmp_path / "saved", tmp_path / "m", ImportOptions(pixels="0..1"))


def test_what_gives_no_vector_for_a_picture_is_refused(tmp_path):
    module = tf.Module()
    module.call = tf.function(lambda pixels: pixels[:, ::2])
    path = saved(module, tmp_path / "saved")
    with pytest.raises(ModelError, match="an embedding is one vector"):
        adopt(path, tmp_path / "m", ImportOptions(pixels="0..1"))


def test_an_output_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    path = saved(network(), tmp_path / "saved")
    with pytest.raises(ImportOptionError, match=r"no output 'rows'.*output_0"):
        adopt(path, tmp_path / "m", ImportOptions(pixels="0..1", output="rows"))


@pytest.mark.parametrize("layout", ["hwc", "chw"])
def test_pixels_reach_the_network_in_the_order_of_its_training(tmp_path, layout):
    sides = (3, 2, 2) if layout == "chw" else (2, 2, 3)
    module = tf.Module()
    module.call = tf.function(lambda pixels: tf.reshape(pixels, [-1, 12]))
    signature = module.call.get_concrete_function(tf.TensorSpec([None, *sides], tf.float32))
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=signature)
    options = ImportOptions(pixels="caffe", layout=layout, as_is=True)
    model = adopt(tmp_path / "saved", tmp_path / "m", options)
    picture = np.random.default_rng(3).integers(0, 256, (1, 2, 2, 3), np.uint8)
    wanted = picture[..., ::-1] - np.array([103.939, 116.779, 123.68])  # blue, green, red
    if layout == "chw":
        wanted = wanted.transpose(0, 3, 1, 2)
    np.testing.assert_allclose(model.embed(picture), wanted.reshape(1, 12), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("batch", [1, None])
def test_a_vector_whose_length_the_graph_leaves_open_is_measured(tmp_path, pictures, batch):
    module = tf.Module()
    module.call = tf.function(
        lambda pixels: {"rows": tf.reshape(pixels[:, 0] + pixels[:, 1], [tf.shape(pixels)[0], -1])}
    )
    path = saved(module, tmp_path / "saved", batch)
    model = adopt(path, tmp_path / "m", ImportOptions(pixels="0..255", as_is=True))
    wanted = (pictures[:, 0].astype(int) + pictures[:, 1]).reshape(20, 24)
    np.testing.assert_array_equal(model.embed(pictures), wanted)


@pytest.mark.parametrize(("kind", "names"), [(tf.int32, "0..255"), (tf.int8, None)])
def test_whole_numbers_without_a_scale_are_pixels_if_all_of_them_fit(tmp_path, kind, names):
    module = tf.Module()
    module.call = tf.function(lambda pixels: {"rows": tf.cast(pixels[:, 0, :, 0], tf.float32)})
    signature = module.call.get_concrete_function(tf.TensorSpec([None, *SHAPE], kind))
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=signature)
    if names is None:
        with pytest.raises(ModelError, match=r"whole numbers of -128 to 127, but does not state"):
            adopt(tmp_path / "saved", tmp_path / "m", ImportOptions(pixels="0..255"))
    else:
        model = adopt(tmp_path / "saved", tmp_path / "m")
        assert model.metadata["origin"]["pixels"] == names
