"""The shape of a model's input, from any of the settings where versions of Keras store it."""

from __future__ import annotations

from typing import Any

from embedder.errors import ModelError

Shape = tuple[int | None, ...]


def input_shape(config: dict[str, Any]) -> Shape:
    """Read the shape of one picture from the settings of an `InputLayer`.

    Example:
        >>> input_shape({"batch_input_shape": [None, 28, 28, 1]})
        (28, 28, 1)
    """
    batch = config.get("batch_shape") or config.get("batch_input_shape")
    return _of_one_picture(batch)


def _of_one_picture(batch: Any) -> Shape:
    if not isinstance(batch, list) or not all(side is None or type(side) is int for side in batch):
        raise ValueError("an input without a shape")
    return tuple(batch[1:])


def sequential_shape(entry: dict[str, Any], layers: list[dict[str, Any]], name: str) -> Shape:
    """Read the shape of one picture that a `Sequential` model takes.

    Args:
        entry: The model.
        layers: Layers of the model.
        name: The file's name, for messages.

    Raises:
        ModelError: If the file does not store the shape.
    """
    first = layers[0]["config"]
    config = entry["config"] if isinstance(entry["config"], dict) else {}
    places = (
        first.get("batch_shape"),
        first.get("batch_input_shape"),
        config.get("build_input_shape"),
        (entry.get("build_config") or {}).get("input_shape"),
        _nested(layers[0]),
    )
    for batch in places:
        if isinstance(batch, list) and batch:
            return _of_one_picture(batch)
    raise ModelError(
        f"{name} does not store the size of its pictures. Build the model before saving it: "
        "`model.build((None, height, width, channels))`."
    )


def _nested(entry: dict[str, Any]) -> list[Any] | None:
    """The shape of a nested model's own input."""
    config = entry["config"]
    layers = config if isinstance(config, list) else config.get("layers")
    if not layers:
        return None
    inner = layers[0]["config"]
    if not isinstance(inner, dict):
        return None
    return inner.get("batch_shape") or inner.get("batch_input_shape") or _nested(layers[0])
