"""The calls of a layer as Keras 3 and Keras 2 write them (`inbound_nodes`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from embedder.importing.keras_files import allowed
from embedder.importing.keras_files.graph import Call, Tensor, tensors

Results = Mapping[tuple[str, int], list[Tensor]]  # by layer and number of the call


class Reference(NamedTuple):
    """Points to a result: the layer, the number of its call, the number of the output."""

    layer: str
    call: int
    output: int


@dataclass(frozen=True)
class Node:
    """One call and its arguments, which hold references or, once filled, tensors."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def needs(self) -> set[tuple[str, int]]:
        """The calls, by layer and number, that must come before this one."""
        return {(each.layer, each.call) for each in _references_in([self.args, self.kwargs])}

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors in its arguments, once filled."""
        return list(tensors([self.args, self.kwargs]))

    def filled(self, results: Results) -> Node:
        """The same call with tensors in place of references."""
        return Node(_filled(self.args, results), _filled(self.kwargs, results))


def nodes_of(entry: dict[str, Any], layers: Mapping[str, dict[str, Any]]) -> list[Node]:
    """Read the calls of a layer.

    Args:
        entry: The layer.
        layers: All layers of the same model, by name.
    """
    return [
        _keras3(node) if isinstance(node, dict) else _keras2(node, layers)
        for node in entry.get("inbound_nodes", [])
    ]


def references(value: Any, layers: Mapping[str, dict[str, Any]] | None = None) -> list[Reference]:
    """Read `input_layers` or `output_layers`: one reference, or a list of them.

    Args:
        value: `[name, call, output]`, or a list or dictionary of such lists.
        layers: All layers by name; None for inputs, which are called once.
    """
    if isinstance(value, dict):
        value = list(value.values())
    if len(value) == 3 and isinstance(value[0], str):
        value = [value]
    return [_reference(each, layers or {}) for each in value]


def _keras3(node: dict[str, Any]) -> Node:
    kwargs = {
        key: each for key, each in node.get("kwargs", {}).items() if key not in ("mask", "training")
    }
    return Node(tuple(map(_parsed, node["args"])), {k: _parsed(v) for k, v in kwargs.items()})


def _parsed(value: Any) -> Any:
    """Replace Keras 3's tensors with references."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return Reference(*value["config"]["keras_history"])
        return {key: _parsed(each) for key, each in value.items()}
    return [_parsed(each) for each in value] if isinstance(value, list) else value


def _keras2(node: list[Any], layers: Mapping[str, dict[str, Any]]) -> Node:
    """Read `[[name, call, output, kwargs], …]`; several inputs are passed to a layer as a list."""
    if isinstance(node[0], str):
        node = [node]
    places = [_reference(each, layers) for each in node]
    first = node[0][3] if len(node[0]) > 3 else {}
    kwargs = {
        key: _reference(each, layers) if _is_reference(each, layers) else each
        for key, each in first.items()
        if key not in ("mask", "training", "name")
    }
    return Node((places[0] if len(places) == 1 else places,), kwargs)


def _is_reference(value: Any, layers: Mapping[str, dict[str, Any]]) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= 3
        and isinstance(value[0], str)
        and value[0] in layers
    )


def _reference(value: list[Any], layers: Mapping[str, dict[str, Any]]) -> Reference:
    name, call, output = value[:3]
    return Reference(name, call - _first_call(layers.get(name)), output)


def _first_call(entry: dict[str, Any] | None) -> int:
    """The number of a layer's first call, in `output_layers` and in all references of Keras 2.

    The calls of nested models count from 1: in Keras 2 for all models, in Keras 3 for all but
    sequential ones.
    """
    if entry is None or entry["class_name"] not in allowed.MODELS:
        return 0
    first = next(iter(entry.get("inbound_nodes", [])), None)
    return int(isinstance(first, list) or entry["class_name"] != "Sequential")


def _references_in(value: Any) -> list[Reference]:
    if isinstance(value, Reference):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [reference for each in value for reference in _references_in(each)]
    return []


def picked(results: Results, reference: Reference) -> Tensor:
    """Return the result that a reference points to; a layer's call stands for all its outputs.

    Args:
        results: Results so far.
        reference: Points to one of them.
    """
    outputs = results[reference.layer, reference.call]
    is_layer = len(outputs) == 1 and isinstance(outputs[0], Call)
    return outputs[0 if is_layer else reference.output]


def _filled(value: Any, results: Results) -> Any:
    if isinstance(value, Reference):
        return picked(results, value)
    if isinstance(value, dict):
        return {key: _filled(each, results) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_filled(each, results) for each in value)
    return value
