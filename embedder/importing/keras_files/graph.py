"""A model's configuration as one flat graph of calls: nested models are laid open.

Reads names and numbers alone: nothing is imported, built or run. Layers that do something in
training only are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from embedder.errors import ModelError
from embedder.importing.keras_files import allowed


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer, which several calls may share.

    Attributes:
        path: Its name, after those of the nested models around it: `base/dense`.
        entry: As in the configuration: `class_name`, `config`, perhaps `module`.
        group: Where its weights lie in a `.keras` file: `layers/functional/layers/dense`.
        trainable: Whether it and all models around it are; decides the order in `.h5` files.
    """

    path: str
    entry: dict[str, Any]
    group: str
    trainable: bool

    @property
    def kind(self) -> str:
        """The name of its class."""
        return str(self.entry.get("class_name"))

    @property
    def config(self) -> dict[str, Any]:
        """Its settings."""
        config = self.entry.get("config")
        return config if isinstance(config, dict) else {}


@dataclass(frozen=True, eq=False)
class Input:
    """An input of the model.

    Attributes:
        name: Its layer's.
        shape: Shape of one picture; None where any size will do.
    """

    name: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, eq=False)
class Call:
    """What a layer gives for its arguments, in which tensors stand for themselves."""

    layer: Layer
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def inputs(self) -> list[Tensor]:
        """The tensors among its arguments, in order."""
        return list(tensors([self.args, self.kwargs]))


Tensor = Input | Call


@dataclass
class Graph:
    """A model laid open.

    Attributes:
        inputs: Its inputs, in order.
        outputs: Its outputs, in order.
        calls: Every call, each after those that it needs.
        named: What each layer and each nested model gives, by path, one entry per call.
        leaves: The path, group and layer of every leaf by the name of the outermost layer around
            it, in the order of the file: `.h5` files hold weights so.
        skipped: Paths that were left out as asked.
    """

    inputs: list[Input] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    named: dict[str, list[Tensor]] = field(default_factory=dict)
    leaves: dict[str, list[Layer]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def tensors(value: Any) -> Iterator[Tensor]:
    """Find the tensors within lists, tuples and dictionaries, in order."""
    if isinstance(value, (Input, Call)):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from tensors(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from tensors(each)


def replaced(value: Any, results: dict[Tensor, Any]) -> Any:
    """Copy nested lists and dictionaries with each tensor replaced by its result.

    Args:
        value: Arguments of a call, with tensors in them.
        results: What stands for each tensor.
    """
    if isinstance(value, (Input, Call)):
        return results[value]
    if isinstance(value, dict):
        return {key: replaced(each, results) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(replaced(each, results) for each in value)
    return value


def find_named(graph: Graph, name: str) -> list[Tensor]:
    """Give what the layer `name` gives, one entry per call.

    Args:
        graph: To be searched.
        name: A layer's path, or its last part where only one has it.

    Raises:
        ModelError: If no layer, or more than one, has the name.
    """
    if name in graph.named:
        return graph.named[name]
    paths = [path for path in graph.named if path.rpartition("/")[2] == name]
    if len(paths) == 1:
        return graph.named[paths[0]]
    if paths:
        raise ModelError(
            f"Several layers are named {name!r}: {listed(paths)}. Name one with its whole path."
        )
    raise ModelError(f"No layer is named {name!r}. The model's layers: {listed(graph.named)}.")


def listed(names: Sequence[str] | dict[str, Any], most: int = 12) -> str:
    """Write the last of many names, for a message.

    Args:
        names: Names in order.
        most: Number of names to write, 1 or more.

    Example:
        >>> listed(["a", "b", "c"], most=2)
        '…, b, c'
    """
    names = list(names)
    return ", ".join((["…"] if len(names) > most else []) + names[-most:])


def is_identity(layer: Layer) -> bool:
    """Tell whether a layer gives in use what it gets."""
    return layer.kind in allowed.IDENTITIES and allowed.is_keras_own(layer.entry)
