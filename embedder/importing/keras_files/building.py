"""Build the cut network again with Keras, in float32, and give it the file's weights."""

from __future__ import annotations

import inspect
from typing import Any

import keras

from embedder.errors import ModelError
from embedder.importing.keras_files import allowed
from embedder.importing.keras_files.archive import KerasFile
from embedder.importing.keras_files.cut import calls_to
from embedder.importing.keras_files.graph import Call, Graph, Input, Layer, Tensor, replaced
from embedder.importing.keras_files.screening import is_layer, operation_of
from embedder.importing.keras_files.sizes import Budget
from embedder.importing.keras_files.weights import load_weights

# TensorFlow computes these with the channels last alone, unless it has a graphics card.
_CHANNELS_LAST = frozenset(
    [
        "AveragePooling2D",
        "Conv2D",
        "Conv2DTranspose",
        "DepthwiseConv2D",
        "MaxPooling2D",
        "Resizing",
        "SeparableConv2D",
        "UpSampling2D",
    ]
)
_IGNORED = ("name", "trainable", "dtype", "momentum", "quantization_config", "batch_input_shape")


def build(file: KerasFile, graph: Graph, output: Tensor, shape: tuple[int, ...]) -> keras.Model:
    """Build the network that leads from its one input to `output`.

    Args:
        file: Where the weights lie.
        graph: The whole model.
        output: What the network gives; every call to it has been screened.
        shape: Shape of one picture, as the network takes it.

    Returns:
        A model of float32 `(n, *shape)` to float32 `(n, …)`; its layers are named by their order.

    Raises:
        ModelError: If the layers do not fit, or the weights are not theirs.
    """
    calls = calls_to(output)
    made = _layers(calls, file.name)
    start = keras.Input(shape, dtype="float32", name="pixels")
    results: dict[Tensor, Any] = dict.fromkeys(graph.inputs, start)
    budget = Budget(file.name)
    for call in calls:
        if not getattr(made.get(call.layer), "built", True):
            budget.spend(call.layer, results[call.inputs[0]].shape)
        try:
            results[call] = _called(call, made, results)
        except Exception as error:  # a damaged setting can make Keras raise any exception
            raise ModelError(
                f"{file.name}: the layer {call.layer.path} does not take what comes to it "
                f"({_first_line(error)}). If a layer before it was skipped, it was needed."
            ) from error
        budget.check_values(call.layer, results[call].shape)
    network = keras.Model(start, results[output], name="base")
    load_weights(file, graph, made)
    return network


def _called(call: Call, made: dict[Layer, Any], results: dict[Tensor, Any]) -> Any:
    args, kwargs = replaced(call.args, results), replaced(call.kwargs, results)
    function = operation_of(call)
    if function is None:
        layer = made[call.layer]
        return _turned(layer, args[0], len(results)) if _turns(call.layer) else layer(*args)
    config = call.layer.config
    settings = {key: config[key] for key in allowed.OPERATION_SETTINGS if key in config}
    if call.layer.kind == "TFOpLambda":
        renamed = allowed.RENAMED if function != "normalize" else {}
        kwargs = {renamed.get(key, key): each for key, each in kwargs.items()}
    return getattr(keras.ops, function)(*args, **kwargs, **settings)


def _turns(layer: Layer) -> bool:
    """Whether a layer takes its channels first, and is to be computed with them last."""
    first = layer.config.get("data_format") == "channels_first"
    return first and layer.kind in _CHANNELS_LAST


def _turned(layer: Any, x: Any, number: int) -> Any:
    """Call a layer that is made for channels last between two changes of their place."""
    last = keras.layers.Permute((2, 3, 1), name=f"last_{number}")(x)
    return keras.layers.Permute((3, 1, 2), name=f"first_{number}")(layer(last))


def _layers(calls: list[Call], name: str) -> dict[Layer, Any]:
    """Make each layer once, named by its order: names with a leading underscore break LiteRT."""
    layers = list(dict.fromkeys(call.layer for call in calls if is_layer(call)))
    return {layer: _made(layer, f"layer_{place}", name) for place, layer in enumerate(layers)}


def _made(layer: Layer, new_name: str, file: str) -> Any:
    settings = _settings(layer, file)
    try:
        return getattr(keras.layers, layer.kind)(
            **settings, name=new_name, dtype="float32", trainable=layer.trainable
        )
    except Exception as error:  # as above
        raise ModelError(
            f"{file}: the settings of the layer {layer.path} are not those of a {layer.kind} "
            f"({_first_line(error)}). Save the model again with a newer Keras."
        ) from error


def _settings(layer: Layer, file: str) -> dict[str, Any]:
    """The settings that matter in use; another that is set is refused rather than ignored."""
    config = dict(layer.config)
    if layer.kind == "BatchNormalization" and isinstance(config.get("axis"), list):
        [config["axis"]] = config["axis"]  # Keras 2
    if layer.kind == "LeakyReLU" and "alpha" in config:
        config["negative_slope"] = config.pop("alpha")  # Keras 2
    if _turns(layer):
        config["data_format"] = "channels_last"
    known = allowed.LAYERS[layer.kind]
    parameters = inspect.signature(getattr(keras.layers, layer.kind)).parameters
    for key, value in config.items():
        if key not in known and _matters(key, value, parameters):
            raise ModelError(
                f"{file}: the layer {layer.path} has the setting {key} = {value!r}, which this "
                "likewise does not know. Save the model without it."
            )
    settings = {key: config[key] for key in known if key in config}
    if "activation" in settings:
        settings["activation"] = _activation(settings["activation"], layer, file)
    return settings


def _matters(key: str, value: Any, parameters: Any) -> bool:
    """Tell whether a setting outside the list could change what a layer gives in use."""
    if key in _IGNORED or key.endswith(("_initializer", "_regularizer", "_constraint")):
        return False
    training = ("renorm", "synchronized", "fused", "virtual_batch", "adjustment", "batch_shape")
    if key.startswith(training):
        return False
    if key in parameters:
        default = parameters[key].default
        return bool(default != value and (default or value))  # None and False are one
    return value is True or value not in (None, False, [], {}, 1)  # True equals 1


def _activation(value: Any, layer: Layer, file: str) -> Any:
    if isinstance(value, dict):
        kind, config = value.get("class_name"), value.get("config")
        if kind in ("ReLU", "LeakyReLU", "ELU", "Softmax") and isinstance(config, dict):
            inner = Layer(f"{layer.path}/activation", value, "", trainable=False)
            return _made(inner, "activation", file)
        value = config if kind == "function" else kind
    if value is None or (isinstance(value, str) and value in allowed.ACTIVATIONS):
        return "hard_silu" if value == "hard_swish" else value
    raise ModelError(
        f"{file}: the activation {value!r} of the layer {layer.path} is not one of Keras's. "
        "Save the model with one of Keras's activations."
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")


def inputs_of(output: Tensor) -> Input:
    """The one input that a tensor depends on."""
    calls = calls_to(output)
    return next(each for call in calls for each in call.inputs if isinstance(each, Input))
