"""Published `.tflite` files: fixed batches, quantised inputs and outputs, channels first."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

from embedder.errors import ImportOptionError, ModelError
from embedder.importing.adopt import adopt
from embedder.importing.options import ImportOptions
from embedder.manifest import read_manifest

SHAPE = (8, 8, 3)


def network(keras, batch=None, shape=SHAPE):
    start = keras.Input(batch_shape=(batch, *shape))
    x = keras.layers.Conv2D(4, 3, activation="relu")(start)
    model = keras.Model(start, keras.layers.Dense(6)(keras.layers.Flatten()(x)))
    random = np.random.default_rng(0)
    model.set_weights([random.normal(0.1, 0.3, each.shape) for each in model.get_weights()])
    return model


def converted(model, path, *, quantised=False):
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if quantised:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        random = np.random.default_rng(1)
        converter.representative_dataset = lambda: (
            [random.random((1, *SHAPE), np.float32)] for _ in range(40)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    with contextlib.redirect_stdout(io.StringIO()):
        path.write_bytes(converter.convert())
    return path


@pytest.fixture
def pictures():
    return np.random.default_rng(2).integers(0, 256, (40, *SHAPE), np.uint8)


def unit(rows):
    rows = np.asarray(rows, np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("batch", [1, None])
def test_a_file_gives_what_its_source_gave_one_picture_at_a_time_or_many(
    keras, tmp_path, pictures, batch
):
    model = network(keras, batch)
    path = converted(model, tmp_path / "m.tflite")
    adopted = adopt(path, tmp_path / "m", ImportOptions(pixels="0..1"))
    wanted = unit([np.asarray(model(each[None] / np.float32(255)))[0] for each in pictures])
    np.testing.assert_allclose(adopted.embed(pictures), wanted, atol=1e-5)
    alone = np.concatenate([adopted.embed(each[None]) for each in pictures])
    assert np.array_equal(adopted.embed(pictures), alone)


@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs")
def test_quantised_ends_are_bridged_and_show_the_range_of_pixels(keras, tmp_path, pictures):
    model = network(keras)
    path = converted(model, tmp_path / "m.tflite", quantised=True)
    adopted = adopt(path, tmp_path / "m")
    assert adopted.metadata["origin"]["pixels"] == "0..1"
    other = adopt(path, tmp_path / "other", ImportOptions(pixels="0..255"))
    assert "--pixels 0..1 gives them, but --pixels 0..255" in other.metadata["origin"]["warning"]
    wanted = unit(model(pictures / np.float32(255)))
    cosines = (adopted.embed(pictures) * wanted).sum(axis=1)
    assert cosines.min() > 0.99  # 8 bits for each weight and value
    np.testing.assert_allclose(np.linalg.norm(adopted.embed(pictures), axis=1), 1, atol=1e-6)


def test_the_file_is_kept_as_it_is_and_its_ends_decide_the_fingerprint(keras, tmp_path):
    path = converted(network(keras), tmp_path / "m.tflite")
    choices = [
        ImportOptions(pixels="0..1", channels="rgb"),
        ImportOptions(pixels="0..1", channels="bgr"),
        ImportOptions(pixels="-1..1", channels="rgb"),
        ImportOptions(pixels="0..1", channels="rgb"),
    ]
    models = [adopt(path, tmp_path / f"{place}", each) for place, each in enumerate(choices)]
    assert (tmp_path / "0" / "model.tflite").read_bytes() == path.read_bytes()
    names = [model.fingerprint for model in models]
    assert names[0] == names[3]
    assert len(set(names)) == 3


def test_ends_that_were_altered_are_refused(keras, tmp_path):
    adopt(
        converted(network(keras), tmp_path / "m.tflite"),
        tmp_path / "m",
        ImportOptions(pixels="0..1"),
    )
    file = tmp_path / "m" / "model.json"
    file.write_text(file.read_text().replace('"rgb"', '"bgr"'))
    with pytest.raises(ModelError, match=r"model\.json of model .*altered or damaged"):
        read_manifest(tmp_path / "m")


@pytest.mark.parametrize("options", [{"skip": ("conv",)}, {"precision": "float16"}])
def test_what_would_change_the_network_is_wrong_usage(keras, tmp_path, options):
    path = converted(network(keras), tmp_path / "m.tflite")
    with pytest.raises(ImportOptionError, match="imported unchanged"):
        adopt(path, tmp_path / "m", ImportOptions(pixels="0..1", **options))


def test_a_network_whose_answers_are_no_numbers_is_refused(keras, tmp_path):
    model = network(keras)
    model.set_weights([np.full(each.shape, np.nan) for each in model.get_weights()])
    path = converted(model, tmp_path / "m.tflite")
    with pytest.raises(ModelError, match=r"not finite numbers.* weights are damaged"):
        adopt(path, tmp_path / "m", ImportOptions(pixels="0..1"))


def test_a_file_that_gives_no_vector_is_refused(keras, tmp_path):
    start = keras.Input(SHAPE)
    path = converted(keras.Model(start, keras.layers.Conv2D(4, 3)(start)), tmp_path / "m.tflite")
    with pytest.raises(ModelError, match="one vector"):
        adopt(path, tmp_path / "m", ImportOptions(pixels="0..1"))


@pytest.mark.parametrize("shape", [(None, None, 3), (8, None, 3)])
def test_a_file_for_pictures_of_any_size_that_cannot_be_prepared_is_not_called_damaged(
    keras, tmp_path, shape
):
    start = keras.Input(shape)
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(start))
    path = converted(keras.Model(start, pooled), tmp_path / "m.tflite")
    with pytest.raises(ModelError, match="leaves the height or width of a picture open"):
        adopt(path, tmp_path / "m", ImportOptions(pixels="0..1"))


@pytest.mark.parametrize("keep", [9, 100, 0.5, 0.99])
def test_a_file_that_was_cut_off_is_refused(keras, tmp_path, keep):
    content = converted(network(keras), tmp_path / "m.tflite").read_bytes()
    cut = content[: keep if keep > 1 else int(keep * len(content))]
    (tmp_path / "cut.tflite").write_bytes(cut)
    with pytest.raises(ModelError, match="LiteRT cannot run"):
        adopt(tmp_path / "cut.tflite", tmp_path / "m", ImportOptions(pixels="0..1"))


def of_function(path, call, *shape, kind="float32"):
    """A file as TensorFlow makes it of a function."""
    import tensorflow as tf

    made = tf.function(call).get_concrete_function(tf.TensorSpec(shape, kind))
    path.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([made]).convert())
    return path


def test_a_file_that_takes_only_several_pictures_at_a_time_is_refused(keras, tmp_path):
    import tensorflow as tf

    path = of_function(
        tmp_path / "four.tflite",
        lambda pixels: tf.reshape(pixels, [4, 192]) @ tf.eye(192, 6) + 1.0,
        *(4, *SHAPE),
    )
    with pytest.raises(ModelError, match=r"exactly 4 pictures at a time \(.*for any number"):
        adopt(path, tmp_path / "m", ImportOptions(pixels="0..1"))
    assert not (tmp_path / "m").exists()


def test_whole_numbers_that_no_scale_explains_and_that_hold_no_pixels_are_refused(keras, tmp_path):
    import tensorflow as tf

    def call(pixels):
        return tf.cast(pixels, tf.float32)[:, 0, :, 0]

    path = of_function(tmp_path / "i8.tflite", call, 1, *SHAPE, kind="int8")
    with pytest.raises(ModelError, match=r"whole numbers of -128 to 127, but does not state"):
        adopt(path, tmp_path / "m", ImportOptions(pixels="0..255"))
    path = of_function(tmp_path / "i32.tflite", call, 1, *SHAPE, kind="int32")
    assert adopt(path, tmp_path / "m").metadata["origin"]["pixels"] == "0..255"
