"""Import a SavedModel by its signature, whole: it stores no layers at which it could be cut."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from embedder.errors import ImportOptionError, ModelError
from embedder.importing.front import Front, front_of
from embedder.importing.imported import Imported
from embedder.importing.options import ImportOptions
from embedder.importing.pixels import whole_pixels
from embedder.importing.saved_graph import screen_saved_model
from embedder.importing.to_litert import run_converter
from embedder.runtime.ends import Ends
from likewise.arrays import Floats, Pixels

_BOUND, _HALF_BOUND = 1e-6, 1e-3
_SIGNATURES = ("serving_default", "serve")


def import_saved_model(path: Path, options: ImportOptions) -> Imported:
    """Read a SavedModel and convert it.

    Args:
        path: Its directory.
        options: What the user chose.

    Raises:
        ModelError: If the model is damaged or hostile, or has no signature from one picture to one
            vector.
        ImportOptionError: If an option is missing, or cannot apply.
    """
    if options.skip:
        raise ImportOptionError(
            "--skip needs layers, but a SavedModel stores none: leave it out, or import the Keras "
            "file that it was made from."
        )
    screen_saved_model(path)
    loaded = _loaded(path)
    signature = _signature(loaded, path.name)
    key, spec = _input(signature, path.name)
    output = _output(signature, options, path.name)
    proved = whole_pixels(spec.dtype.as_numpy_dtype) if spec.dtype.is_integer else None
    front = front_of(tuple(spec.shape[1:]), options, proved)
    batch = spec.shape[0]
    network = _whole(signature, (key, spec, output), front, as_is=options.as_is)
    concrete = network.get_concrete_function()
    _require_vector(concrete, path.name)
    half = options.precision == "float16"
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], loaded)
    return Imported(
        network=run_converter(converter, options.precision),
        input_shape=front.input_shape,
        dim=int(concrete.output_shapes[-1]),
        ends=_one_at_a_time(front) if batch == 1 else {},
        origin={
            "kind": f"SavedModel of TensorFlow {loaded.tensorflow_version}",
            "output": output,
            "skipped": [],
            **front.origin,
        },
        source=partial(_predictions, network, batch or 0),
        bound=_HALF_BOUND if half else _BOUND,
    )


def _loaded(path: Path) -> Any:
    try:
        return tf.saved_model.load(str(path))
    except Exception as error:  # TensorFlow raises many classes for a damaged file
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelError(
            f"The SavedModel {path.name} could not be read ({reason[:200]}): it is damaged or "
            "incomplete. Export it again with `model.export(...)`."
        ) from error


def _signature(loaded: Any, name: str) -> Any:
    names = list(loaded.signatures)
    chosen = next((each for each in (*_SIGNATURES, *names) if each in names), None)
    if chosen is None:
        raise ModelError(
            f"The SavedModel {name} has no signature to call. Export it again with "
            "`model.export(...)`, which writes one."
        )
    return loaded.signatures[chosen]


def _input(signature: Any, name: str) -> tuple[str, Any]:
    inputs = signature.structured_input_signature[1]
    if len(inputs) != 1:
        raise ModelError(
            f"The SavedModel {name} takes {len(inputs)} inputs ({', '.join(inputs)}), and stores "
            "no layers from which a shared base could be taken. Import the Keras file (.keras or "
            ".h5), or export the base network alone."
        )
    [(key, spec)] = inputs.items()
    if spec.shape.rank is None or spec.shape.rank < 2:
        raise ModelError(
            f"The SavedModel {name} takes {spec.shape}, which is not a batch of pictures. Export "
            "the network with an input of shape (batch, height, width, channels)."
        )
    if spec.shape[0] not in (None, 1):
        raise ModelError(
            f"The SavedModel {name} takes exactly {spec.shape[0]} pictures at a time. Export it "
            "for any number, or for 1."
        )
    return key, spec


def _output(signature: Any, options: ImportOptions, name: str) -> str:
    names = sorted(signature.structured_outputs)
    if options.output is not None and options.output not in names:
        raise ImportOptionError(
            f"The SavedModel {name} has no output {options.output!r}, and stores no layers. Its "
            f"outputs: {', '.join(names)}."
        )
    if options.output is None and len(names) != 1:
        raise ImportOptionError(
            f"The SavedModel {name} has {len(names)} outputs: name the embedding with --output, "
            f"one of {', '.join(names)}."
        )
    return options.output or names[0]


def _whole(signature: Any, names: tuple[str, Any, str], front: Front, *, as_is: bool) -> Any:
    """A function from uint8 pixels to embeddings that calls a signature."""
    key, spec, output = names
    shape = [spec.shape[0], *front.input_shape]
    dim = _sides(signature, names, front)

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.uint8, name="pixels")])  # type: ignore[untyped-decorator]
    def embed(pixels: Any) -> Any:
        x = tf.cast(_fronted(pixels, front), spec.dtype)
        rows = signature(**{key: x})[output]
        rows = tf.reshape(tf.cast(rows, tf.float32), [spec.shape[0] or -1, *dim])
        if as_is:
            return rows
        return rows / tf.maximum(tf.norm(rows, axis=-1, keepdims=True), 1e-12)

    return embed


def _sides(signature: Any, names: tuple[str, Any, str], front: Front) -> list[int]:
    """The sides above 1 of what a picture gives; by a try where the graph leaves them open."""
    key, spec, output = names
    shape = signature.structured_outputs[output].shape
    if shape.rank is None or None in shape.as_list()[1:]:
        shape = signature(**{key: tf.zeros([1, *front.shape], spec.dtype)})[output].shape
    return [side for side in shape[1:] if side != 1]


def _fronted(pixels: Any, front: Front) -> Any:
    x = tf.cast(pixels, tf.float32)
    if front.repeats:
        x = tf.stack([x, x, x], axis=-1)
    if front.channels == "bgr":
        x = tf.reverse(x, axis=[-1])
    if front.pixels != "0..255":
        x = x * tf.constant(front.scale) + tf.constant(front.offset)
    if front.layout == "chw" and x.shape.rank == 4:
        return tf.transpose(x, [0, 3, 1, 2])
    batch = pixels.shape[0] or -1
    return x if tuple(x.shape[1:]) == front.shape else tf.reshape(x, [batch, *front.shape])


def _require_vector(concrete: Any, name: str) -> None:
    shape = concrete.output_shapes
    if shape.rank != 2 or (shape[-1] or 0) < 2:
        raise ModelError(
            f"The SavedModel {name} gives {shape} for a picture, but an embedding is one vector of "
            "at least 2 numbers. Export the network up to its pooling or dense layer."
        )


def _one_at_a_time(front: Front) -> dict[str, Any]:
    return Ends(
        shape=front.input_shape,
        channels="grey" if front.channels == "grey" else "rgb",
        layout="hw" if front.channels == "grey" else "hwc",
        scale=(1.0,),
        offset=(0.0,),
        input_type="uint8",
        unit=False,
        batch=1,
    ).to_json()


def _predictions(network: Any, batch: int, pixels: Pixels) -> Floats:
    size = batch or len(pixels)
    parts = [
        network(tf.constant(pixels[place : place + size])) for place in range(0, len(pixels), size)
    ]
    return np.concatenate([np.asarray(part) for part in parts])
