"""Read the configuration of a model of Keras 2 or 3 as a graph."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from embedder.errors import ModelError
from embedder.importing.keras_files import allowed
from embedder.importing.keras_files.graph import (
    Call,
    Graph,
    Input,
    Layer,
    Tensor,
    is_identity,
    listed,
)
from embedder.importing.keras_files.nodes import Node, nodes_of, picked, references
from embedder.importing.keras_files.shapes import input_shape, sequential_shape

_DEEPEST = 20  # models within models


@dataclass(frozen=True)
class _Place:
    """The place of a model within the outermost model."""

    path: str = ""
    group: str = ""
    top: str = ""
    trainable: bool = True
    depth: int = 0

    def inside(self, name: str, group: str, trainable: bool) -> _Place:
        return _Place(
            path=f"{self.path}{name}/",
            group=f"{self.group}layers/{group}/",
            top=self.top or name,
            trainable=self.trainable and trainable,
            depth=self.depth + 1,
        )


def trace(config: dict[str, Any], name: str, skip: Collection[str] = ()) -> Graph:
    """Read a model as a graph of calls.

    Args:
        config: The configuration, as in `KerasFile.config`.
        name: The file's name, for messages.
        skip: Layers to leave out, by path or by the last part of it.

    Raises:
        ModelError: If the model is not a graph of layers, or `skip` names a layer that is missing.
    """
    if str(config.get("class_name")) not in allowed.MODELS or not allowed.is_keras_own(config):
        raise ModelError(
            f"{name} holds a model of the class {config.get('class_name')!r}, whose layers are "
            "joined by code that is not in the file. Save the base network itself, as "
            "`model.embedding.save('base.keras')`, and import that."
        )
    tracer = _Tracer(name, skip)
    try:
        tracer.graph.outputs = tracer.model(config, None, _Place())
        if not (tracer.graph.inputs and tracer.graph.outputs):
            raise ValueError("a model without an input or an output")
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise ModelError(
            f"The layers in {name} do not fit together: the file is damaged, or was not written "
            "by Keras. Save the model again with `model.save('model.keras')`."
        ) from error
    unknown = sorted(set(skip) - tracer.used)
    if unknown:
        layers = listed([layer.path for each in tracer.graph.leaves.values() for layer in each])
        raise ModelError(f"The model has no layer {listed(unknown)} to skip. Its layers: {layers}.")
    return tracer.graph


class _Tracer:
    def __init__(self, name: str, skip: Collection[str]) -> None:
        self.name = name
        self.skip = frozenset(skip)
        self.used: set[str] = set()
        self.graph = Graph()
        self._layers: dict[str, Layer] = {}

    def model(
        self, entry: dict[str, Any], inputs: list[Tensor] | None, place: _Place
    ) -> list[Tensor]:
        """Call a model; without `inputs` it is the outermost, and its own inputs are made."""
        if place.depth > _DEEPEST:
            raise ModelError(
                f"{self.name} nests models more than {_DEEPEST} deep, and is probably damaged: "
                "save the base network itself and import that."
            )
        config = entry["config"]
        if entry["class_name"] == "Sequential" or "input_layers" not in config:
            return self._sequential(entry, inputs, place)
        return self._functional(config, inputs, place)

    def _sequential(
        self, entry: dict[str, Any], inputs: list[Tensor] | None, place: _Place
    ) -> list[Tensor]:
        config = entry["config"]
        layers = config if isinstance(config, list) else config["layers"]
        if inputs is None:
            shape = sequential_shape(entry, layers, self.name)
            inputs = [self._input(_name(layers[0]), shape)]
        [tensor] = inputs
        for layer, group in zip(layers, _groups(layers), strict=True):
            if layer["class_name"] != "InputLayer":
                [tensor] = self._call(layer, group, Node((tensor,), {}), place)
        return [tensor]

    def _functional(
        self, config: dict[str, Any], inputs: list[Tensor] | None, place: _Place
    ) -> list[Tensor]:
        layers = {_name(layer): layer for layer in config["layers"]}
        groups = dict(zip(layers, _groups(list(layers.values())), strict=True))
        results: dict[tuple[str, int], list[Tensor]] = {}
        names = [reference[0] for reference in references(config["input_layers"])]
        if inputs is None:
            inputs = [self._input(name, input_shape(layers[name]["config"])) for name in names]
        for name, tensor in zip(names, inputs, strict=True):
            results[name, 0] = [tensor]
        waiting = [
            (name, number, node)
            for name, layer in layers.items()
            if layer["class_name"] != "InputLayer"
            for number, node in enumerate(nodes_of(layer, layers))
        ]
        while waiting:
            later = []
            for name, number, node in waiting:
                if node.needs <= results.keys():
                    filled = node.filled(results)
                    results[name, number] = self._call(layers[name], groups[name], filled, place)
                else:
                    later.append((name, number, node))
            if len(later) == len(waiting):
                raise ValueError("a call waits for itself")
            waiting = later
        return [picked(results, each) for each in references(config["output_layers"], layers)]

    def _input(self, name: str, shape: tuple[int | None, ...]) -> Input:
        made = Input(name, shape)
        self.graph.inputs.append(made)
        return made

    def _call(self, entry: dict[str, Any], group: str, node: Node, place: _Place) -> list[Tensor]:
        """Call a layer or a nested model."""
        name = _name(entry)
        path = place.path + name
        trainable = isinstance(entry["config"], list) or entry["config"].get("trainable", True)
        inner = place.inside(name, group, trainable)
        self._enter(path, name, entry, inner)
        inputs = node.tensors
        skips = self.skip & {path, name}
        if skips:
            self.used |= skips
            if path not in self.graph.skipped:
                self.graph.skipped.append(path)
            results = inputs[:1]
        elif entry["class_name"] in allowed.MODELS and allowed.is_keras_own(entry):
            results = self.model(entry, inputs, inner)
        elif is_identity(self._layers[path]):
            results = inputs[:1]
        else:
            call = Call(self._layers[path], node.args, node.kwargs)
            self.graph.calls.append(call)
            results = [call]
        self.graph.named.setdefault(path, []).extend(results[:1])
        return results

    def _enter(self, path: str, name: str, entry: dict[str, Any], inner: _Place) -> None:
        """Record a layer when it is first called, and its leaves in the order of the file."""
        if path in self._layers:
            return
        self._layers[path] = Layer(path, entry, inner.group.rstrip("/"), inner.trainable)
        if inner.top == name and inner.depth == 1:
            self.graph.leaves[name] = list(_leaves(entry, inner))


def _leaves(entry: dict[str, Any], place: _Place) -> list[Layer]:
    """The layers that contain no layers, in the order of the file."""
    if entry["class_name"] not in allowed.MODELS or not allowed.is_keras_own(entry):
        return [Layer(place.path.rstrip("/"), entry, place.group.rstrip("/"), place.trainable)]
    config = entry["config"]
    layers = config if isinstance(config, list) else config["layers"]
    leaves = []
    for layer, group in zip(layers, _groups(layers), strict=True):
        inner = layer["config"]
        trainable = isinstance(inner, list) or inner.get("trainable", True)
        if place.depth <= _DEEPEST:
            leaves += _leaves(layer, place.inside(_name(layer), group, trainable))
    return leaves


def _name(entry: dict[str, Any]) -> str:
    config = entry["config"]
    name = entry.get("name") or (config.get("name") if isinstance(config, dict) else None)
    return str(name or entry["class_name"])


def _groups(layers: list[dict[str, Any]]) -> list[str]:
    """The names under which a `.keras` file stores weights: the class in snake case, and a number.

    Example:
        >>> _groups([{"class_name": "Conv2D"}, {"class_name": "ReLU"}, {"class_name": "Conv2D"}])
        ['conv2d', 're_lu', 'conv2d_1']
    """
    seen: Counter[str] = Counter()
    names = []
    for layer in layers:
        name = _snake_case(layer["class_name"])
        names.append(f"{name}_{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return names


def _snake_case(name: str) -> str:
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
