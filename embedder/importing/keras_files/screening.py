"""Refuse a hostile Keras file before anything of it is used.

Two sieves. Over the whole file: names that no saved model has a reason to hold. Over the part that
is imported: every class must be a known one, and every setting plain data.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from embedder.errors import ModelError
from embedder.importing.keras_files import allowed
from embedder.importing.keras_files.graph import Call, listed

_SYSTEM = frozenset(sys.stdlib_module_names) - {"builtins", "__main__"}
_REACHES_OUT = frozenset({"TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"})
_OWN_UTILITIES = ("keras.utils", "keras.src.utils", "tf_keras.utils", "tf_keras.src.utils")


def screen_file(config: Any, name: str) -> None:
    """Refuse a file that names, anywhere, what could only do harm.

    Args:
        config: The whole configuration.
        name: The file's name, for messages.

    Raises:
        ModelError: Naming what was met.
    """
    for entry in _entries(config):
        module, kind = str(entry.get("module") or ""), str(entry.get("class_name"))
        builtin = module == "builtins" and kind not in ("function", "str", "int", "float", "tuple")
        system = module.partition(".")[0] in _SYSTEM or builtin
        if system or kind in _REACHES_OUT or module.startswith(_OWN_UTILITIES):
            raise ModelError(
                f"{name} names {module + '.' if module else ''}{kind}, which is no part of a "
                "network: nothing of the file was run. Get the model from a source that you trust."
            )


def screen_calls(calls: Iterable[Call], name: str) -> None:
    """Refuse to build a layer that is unknown, or that holds more than plain settings.

    Args:
        calls: The part that is to be imported.
        name: The file's name, for messages.

    Raises:
        ModelError: Naming each such layer and what can be done.
    """
    calls = list(calls)
    if not calls:
        raise ModelError(
            f"{name}: no layer lies between the picture and the embedding. Name a layer further "
            "on with --output LAYER."
        )
    strange = [call.layer.path for call in calls if not _is_known(call)]
    if strange:
        first = next(call.layer for call in calls if call.layer.path == strange[0])
        raise ModelError(
            f"{name}: the base network holds {listed(strange)} ({_described(first.entry)}), which "
            "is not among the layers that are built again, and whose code is not run. Save the "
            "network with one of Keras's plain layers in its place, such as keras.layers.ReLU for "
            "keras.ops.relu, or take the network up to the layer before with --output LAYER. "
            f"Only if it just scales pixels or normalises the result, leave it out with --skip "
            f"{strange[0]}."
        )
    for call in calls:
        _screen_settings(call, name)


def _is_known(call: Call) -> bool:
    return is_layer(call) or operation_of(call) is not None


def is_layer(call: Call) -> bool:
    """Tell whether a call is that of a known layer of Keras."""
    own = allowed.is_keras_own(call.layer.entry) and operation_of(call) is None
    return own and call.layer.kind in allowed.LAYERS


def operation_of(call: Call) -> str | None:
    """The function of `keras.ops` that a call stands for; None for a layer, known or not."""
    entry, kind = call.layer.entry, call.layer.kind
    if not allowed.is_keras_own(entry):
        return None
    if kind == "TFOpLambda":
        return allowed.OPERATIONS.get((kind, str(call.layer.config.get("function"))))
    module = entry.get("module")
    if module is None and (kind not in allowed.LAYERS or len(call.args) > 1):
        module = allowed.OPERATIONS_MODULE  # `.h5` files name none; a layer takes one list
    return allowed.OPERATIONS.get((str(module), kind))


def _described(entry: dict[str, Any]) -> str:
    module = entry.get("module")
    return f"{module}.{entry.get('class_name')}" if module else str(entry.get("class_name"))


def _refuse_quantised(call: Call, name: str) -> None:
    dtype = call.layer.config.get("dtype")
    kind = dtype.get("class_name") if isinstance(dtype, dict) else None
    if isinstance(kind, str) and kind.startswith("Quantized"):
        raise ModelError(
            f"{name}: the weights of the layer {call.layer.path} are quantised, but layers are "
            "built again in float32. Import the model as it was before `model.quantize(...)`, or "
            "a .tflite file of it."
        )


def _screen_settings(call: Call, name: str) -> None:
    _refuse_quantised(call, name)
    for key, value in call.layer.config.items():
        for entry in _entries(value):
            activation = key == "activation" and entry.get("class_name") in allowed.LAYERS
            if not allowed.is_harmless(entry) and not (activation and allowed.is_keras_own(entry)):
                raise ModelError(
                    f"{name}: the setting {key!r} of the layer {call.layer.path} names "
                    f"{_described(entry)}, which no layer of Keras needs: nothing of the file was "
                    "run. Get the model from a source that you trust."
                )


def _entries(value: Any) -> Iterator[dict[str, Any]]:
    """Every dictionary that names a class, wherever it stands."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("class_name"), str) or isinstance(value.get("module"), str):
                yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
