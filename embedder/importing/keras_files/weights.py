"""Load the weights of a file into the rebuilt layers.

A `.keras` file holds a group of numbered arrays for each layer. An `.h5` file holds one list for
each outermost layer, which includes the weights of nested models. They are matched by name where
the names are unique, else by Keras's order, and then the last part of each name must agree.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np

from embedder.errors import ModelError
from embedder.importing.keras_files.archive import KerasFile
from embedder.importing.keras_files.graph import Graph, Layer, listed
from likewise.arrays import Floats


def load_weights(file: KerasFile, graph: Graph, made: dict[Layer, Any]) -> None:
    """Set the weights of every layer that has any.

    Args:
        file: The file that holds the weights.
        graph: The whole model, for the order within nested models.
        made: The built layers.

    Raises:
        ModelError: If the file lacks the weights of a layer, or they have other shapes.
    """
    named = {layer.path: keras_layer for layer, keras_layer in made.items()}
    arrays = _by_name(file, graph, named) if file.by_name else _by_group(file, made)
    for path, layer in named.items():
        values = arrays.get(path, [])
        shapes = [tuple(value.shape) for value in values]
        expected = [tuple(each.shape) for each in _variables(layer)]
        if shapes != expected:
            raise ModelError(
                f"{file.name}: the layer {path} needs weights of the shapes {expected}, but the "
                f"file holds {shapes}. It is damaged, or Keras did not write it: save the model "
                "again."
            )
        if expected:
            layer.load_own_variables({str(place): each for place, each in enumerate(values)})


def _variables(layer: Any) -> list[Any]:
    """The variables of a layer in the order in which Keras writes them."""
    return [*layer.trainable_variables, *_fixed(layer)]


def _fixed(layer: Any) -> list[Any]:
    return [each for each in layer.non_trainable_variables if "seed" not in each.name]


def _by_group(file: KerasFile, made: dict[Layer, Any]) -> dict[str, list[Floats]]:
    """Read each layer's numbered arrays."""
    arrays = {}
    for layer, keras_layer in made.items():
        group = file.weights.get(f"{layer.group}/vars")
        if group is not None and _variables(keras_layer):
            arrays[layer.path] = [_read(group[str(place)]) for place in range(len(group))]
    return arrays


def _by_name(file: KerasFile, graph: Graph, named: dict[str, Any]) -> dict[str, list[Floats]]:
    arrays: dict[str, list[Floats]] = {}
    for top, leaves in graph.leaves.items():
        built = [leaf for leaf in leaves if leaf.path in named]
        if top in file.weights and any(_variables(named[leaf.path]) for leaf in built):
            arrays |= _of_outermost(file, file.weights[top], leaves, built, named)
    return arrays


def _of_outermost(
    file: KerasFile, group: Any, leaves: list[Layer], built: list[Layer], named: dict[str, Any]
) -> dict[str, list[Floats]]:
    """Distribute the list of one outermost layer among its leaves."""
    names = [each.decode() if isinstance(each, bytes) else each for each in _names(group)]
    places = {tuple(_parts(name)[-2:]): name for name in names}
    counts = Counter(leaf.path.rpartition("/")[2] for leaf in leaves)
    arrays = {}
    for leaf in built:
        last = leaf.path.rpartition("/")[2]
        keys = [(last, _plain(each.name)) for each in _variables(named[leaf.path])]
        if counts[last] > 1 or len(places) < len(names) or not all(key in places for key in keys):
            return _in_order(file, group, names, leaves, named)
        arrays[leaf.path] = [_read(group[places[key]]) for key in keys]
    return arrays


def _in_order(
    file: KerasFile, group: Any, names: list[str], leaves: list[Layer], named: dict[str, Any]
) -> dict[str, list[Floats]]:
    """Match by Keras's order: the trainable weights of all layers, then the others."""
    missing = [leaf.path for leaf in leaves if leaf.path not in named and _may_hold(leaf)]
    order = [
        (leaf.path, each)
        for leaf in leaves
        if leaf.path in named
        for each in named[leaf.path].trainable_variables
    ]
    order += [
        (leaf.path, each)
        for leaf in leaves
        if leaf.path in named
        for each in _fixed(named[leaf.path])
    ]
    tails = [_parts(name)[-1] for name in names]
    if missing or tails != [_plain(each.name) for _, each in order]:
        raise ModelError(
            f"{file.name} does not say which weights belong to which layer of "
            f"{listed([leaf.path for leaf in leaves], 3)}. Save the model as `.keras` and import "
            "that."
        )
    arrays: dict[str, list[Floats]] = {}
    for (path, _), name in zip(order, names, strict=True):
        arrays.setdefault(path, []).append(_read(group[name]))
    return arrays


def _may_hold(leaf: Layer) -> bool:
    from embedder.importing.keras_files.allowed import IDENTITIES, WEIGHTLESS

    return leaf.kind not in WEIGHTLESS and leaf.kind not in IDENTITIES | {"InputLayer"}


def _names(group: Any) -> list[Any]:
    """The names of a layer's weights; a list too long for one attribute is spread over several."""
    if "weight_names" in group.attrs:
        return list(group.attrs["weight_names"])
    parts = (group.attrs.get(f"weight_names{place}") for place in itertools.count())
    return [
        name for part in itertools.takewhile(lambda each: each is not None, parts) for name in part
    ]


def _parts(name: str) -> list[str]:
    """`base/dense/kernel:0` in parts, the last under its name in Keras 3."""
    parts = name.partition(":")[0].split("/")
    return [*parts[:-1], _plain(parts[-1])]


def _plain(name: str) -> str:
    return "kernel" if name == "depthwise_kernel" else name


def _read(dataset: Any) -> Floats:
    """The numbers of an array; HDF5 has no bfloat16, and holds such as two bytes of no type."""
    values = dataset[()]
    if values.dtype == np.dtype("V2"):
        return np.asarray((values.view("<u2").astype(np.uint32) << 16).view(np.float32))
    return np.asarray(values, np.float32)
