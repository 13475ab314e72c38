"""Find the network that makes embeddings in a model's graph.

- Several inputs (Siamese, triplet): the part that depends on one input alone and is the same for
  all of them, call for call; the layers that compare the inputs may be any.
- One input: the part up to the layer that the user named, or up to a classifier's head.
"""

from __future__ import annotations

from typing import Any

from embedder.errors import ModelError
from embedder.importing.keras_files import allowed
from embedder.importing.keras_files.graph import Call, Graph, Input, Tensor, find_named, listed
from embedder.importing.keras_files.screening import is_layer, operation_of

_SETTLING = frozenset({"Activation", "Flatten", "Reshape", "Softmax"})  # may end a classifier
_HEADS = frozenset({"Dense", "Conv2D"})
_CLASSES = frozenset({"softmax", "sigmoid", "log_softmax"})


def find_base(graph: Graph, output: str | None, name: str) -> Tensor:
    """Find the tensor that holds the embedding.

    Args:
        graph: The model.
        output: The layer that gives the embedding; None to find it.
        name: The file's name, for messages.

    Raises:
        ModelError: If there is no such layer, or no network that all inputs share.
    """
    depends = _dependencies(graph)
    if output is not None:
        return _asked_for(graph, depends, output, name)
    if len(graph.inputs) > 1:
        return _shared(graph, depends, name)
    if len(graph.outputs) > 1:
        raise ModelError(
            f"{name} has {len(graph.outputs)} outputs: name the layer that gives the embedding "
            f"with --output LAYER. The model's layers: {listed(graph.named)}."
        )
    return before_head(graph.outputs[0])


def calls_to(tensor: Tensor) -> list[Call]:
    """Every call that a tensor needs, itself included, each after the calls that it needs."""
    ordered: dict[Call, None] = {}
    waiting: list[tuple[Tensor, bool]] = [(tensor, False)]
    while waiting:
        item, ready = waiting.pop()
        if isinstance(item, Input) or item in ordered:
            continue
        if ready:
            ordered[item] = None
        else:
            waiting.append((item, True))
            waiting += [(each, False) for each in reversed(item.inputs)]
    return list(ordered)


def before_head(tensor: Tensor) -> Tensor:
    """Go back before a classifier's head: the last dense layer and its softmax or sigmoid.

    Args:
        tensor: Output of a model; returned unchanged unless it is probabilities of classes.
    """
    place, classifies = tensor, False
    while isinstance(place, Call) and place.layer.kind in _SETTLING and is_layer(place):
        classifies |= _gives_classes(place)
        place = place.inputs[0]
    if not isinstance(place, Call) or place.layer.kind not in _HEADS or not is_layer(place):
        return tensor
    if not classifies and not _gives_classes(place):
        return tensor
    before = place.inputs[0]
    return before if isinstance(before, Call) else tensor


def _gives_classes(call: Call) -> bool:
    activation = call.layer.config.get("activation")
    if isinstance(activation, dict):
        activation = activation.get("config")
    named = isinstance(activation, str) and activation in _CLASSES
    return call.layer.kind == "Softmax" or named


def _dependencies(graph: Graph) -> dict[Tensor, frozenset[Input]]:
    """The inputs that each tensor depends on."""
    depends: dict[Tensor, frozenset[Input]] = {each: frozenset({each}) for each in graph.inputs}
    for call in graph.calls:
        depends[call] = frozenset().union(*(depends[each] for each in call.inputs))
    return depends


def _asked_for(
    graph: Graph, depends: dict[Tensor, frozenset[Input]], output: str, name: str
) -> Tensor:
    for tensor in find_named(graph, output):
        if len(depends[tensor]) == 1:
            return tensor
    raise ModelError(
        f"The layer {output!r} of {name} compares several pictures, so it does not embed one. "
        f"Name an earlier layer with --output LAYER: {listed(_of_one(graph, depends))}."
    )


def _of_one(graph: Graph, depends: dict[Tensor, frozenset[Input]]) -> list[str]:
    """Layers and models that depend on one input."""
    return [path for path, each in graph.named.items() if len(depends[each[0]]) == 1]


def _shared(graph: Graph, depends: dict[Tensor, frozenset[Input]], name: str) -> Tensor:
    branches = [_ends(graph, depends, start) for start in graph.inputs]
    comparer = _Comparer()
    counts = {len(ends) for ends in branches}
    if counts == {1}:
        [first], others = branches[0], [end for [end] in branches[1:]]
        if all(comparer.same(first, other) for other in others):
            return first
    if max(counts) > 1:
        ends = [end.layer.path for end in branches[0] if isinstance(end, Call)]
        raise ModelError(
            f"{name} compares its pictures at several layers: name the one that gives the "
            f"embedding with --output LAYER. Candidates: {listed(ends)}."
        )
    raise ModelError(
        f"The {len(graph.inputs)} inputs of {name} do not share one base network: each has its own "
        "layers. Import one of them with --output LAYER, naming its last layer, or save "
        "the base network itself, as `base.save('base.keras')`, and import that. "
        f"Layers of one input: {listed(_of_one(graph, depends))}."
    )


def _ends(graph: Graph, depends: dict[Tensor, frozenset[Input]], start: Input) -> list[Tensor]:
    """The last tensors that depend on one input alone: those compared, or output by the model."""
    alone = frozenset({start})
    ends = dict.fromkeys(each for each in graph.outputs if depends[each] == alone)
    for call in graph.calls:
        if len(depends[call]) > 1:
            ends |= dict.fromkeys(each for each in call.inputs if depends[each] == alone)
    return list(ends)


class _Comparer:
    """Compares branches call for call: calls of one layer, or of equal layers without weights."""

    def __init__(self) -> None:
        self._same: set[tuple[Tensor, Tensor]] = set()

    def same(self, a: Tensor, b: Tensor) -> bool:
        """Whether two tensors are the same function of one picture each."""
        waiting = [(a, b)]
        while waiting:
            pair = waiting.pop()
            if pair in self._same:
                continue
            left, right = pair
            if isinstance(left, Input) or isinstance(right, Input):
                if not (isinstance(left, Input) and isinstance(right, Input)):
                    return False
                if left.shape != right.shape:
                    return False
            elif not _same_call(left, right):
                return False
            else:
                waiting += zip(left.inputs, right.inputs, strict=True)
            self._same.add(pair)
        return True


def _same_call(left: Call, right: Call) -> bool:
    if len(left.inputs) != len(right.inputs):
        return False
    arguments = _shape_of([left.args, left.kwargs]), _shape_of([right.args, right.kwargs])
    if arguments[0] != arguments[1]:
        return False
    if left.layer is right.layer:
        return True
    weightless = operation_of(left) is not None or (
        is_layer(left) and left.layer.kind in allowed.WEIGHTLESS
    )
    return weightless and _settings(left) == _settings(right)


def _shape_of(value: Any) -> Any:
    """Arguments with a mark in place of every tensor: their structure and their constants."""
    if isinstance(value, (Input, Call)):
        return "tensor"
    if isinstance(value, dict):
        return {key: _shape_of(each) for key, each in value.items()}
    return [_shape_of(each) for each in value] if isinstance(value, (list, tuple)) else value


def _settings(call: Call) -> tuple[Any, ...]:
    entry = call.layer.entry
    without_name = {key: each for key, each in call.layer.config.items() if key != "name"}
    dtype = without_name.pop("dtype", None)
    del dtype  # all are built in float32
    return entry.get("module"), entry.get("class_name"), without_name
