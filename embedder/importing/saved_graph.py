"""Screen a SavedModel before it is loaded: what a call of it, or its loading, would run.

Only operations of networks may stand there. Those that save and restore variables stand in every
SavedModel, in functions that neither a call nor the loading reaches.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embedder.errors import ModelError

_LARGEST_GRAPH = 2 << 30  # bytes

_OPERATIONS = frozenset(
    [
        "Abs",
        "Add",
        "AddN",
        "AddV2",
        "All",
        "Any",
        "ArgMax",
        "ArgMin",
        "AvgPool",
        "BatchMatMul",
        "BatchMatMulV2",
        "BatchToSpaceND",
        "BiasAdd",
        "BroadcastArgs",
        "BroadcastTo",
        "Cast",
        "Ceil",
        "ConcatV2",
        "Const",
        "Conv2D",
        "Conv2DBackpropInput",
        "Cos",
        "Cumsum",
        "DepthToSpace",
        "DepthwiseConv2dNative",
        "Div",
        "DivNoNan",
        "Einsum",
        "Elu",
        "EnsureShape",
        "Equal",
        "Erf",
        "Erfc",
        "Exp",
        "ExpandDims",
        "Expm1",
        "Fill",
        "Floor",
        "FloorDiv",
        "FloorMod",
        "FusedBatchNorm",
        "FusedBatchNormV2",
        "FusedBatchNormV3",
        "Gather",
        "GatherNd",
        "GatherV2",
        "Greater",
        "GreaterEqual",
        "Identity",
        "IdentityN",
        "IsNan",
        "L2Loss",
        "LRN",
        "LeakyRelu",
        "Less",
        "LessEqual",
        "Log",
        "Log1p",
        "LogSoftmax",
        "LogicalAnd",
        "LogicalNot",
        "LogicalOr",
        "MatMul",
        "Max",
        "MaxPool",
        "Maximum",
        "Mean",
        "Min",
        "Minimum",
        "MirrorPad",
        "Mul",
        "Neg",
        "NoOp",
        "NotEqual",
        "OneHot",
        "OnesLike",
        "Pack",
        "Pad",
        "PadV2",
        "PartitionedCall",
        "Placeholder",
        "Pow",
        "PreventGradient",
        "Prod",
        "Range",
        "Rank",
        "ReadVariableOp",
        "RealDiv",
        "Reciprocal",
        "Relu",
        "Relu6",
        "Reshape",
        "ResizeBilinear",
        "ResizeNearestNeighbor",
        "ReverseV2",
        "Rint",
        "Round",
        "Rsqrt",
        "ScatterNd",
        "Select",
        "SelectV2",
        "Selu",
        "Shape",
        "ShapeN",
        "Sigmoid",
        "Sign",
        "Sin",
        "Size",
        "Slice",
        "Softmax",
        "Softplus",
        "Softsign",
        "SpaceToBatchND",
        "SpaceToDepth",
        "Split",
        "SplitV",
        "Sqrt",
        "Square",
        "SquaredDifference",
        "Squeeze",
        "StatefulPartitionedCall",
        "StatelessIf",
        "StopGradient",
        "StridedSlice",
        "Sub",
        "Sum",
        "Tanh",
        "Tile",
        "TopKV2",
        "Transpose",
        "Unpack",
        "VarHandleOp",
        "ZerosLike",
    ]
)
_OBJECTS = frozenset(
    ["user_object", "function", "variable", "constant", "bare_concrete_function", "captured_tensor"]
)


def screen_saved_model(path: Path) -> None:
    """Refuse a SavedModel that would do anything but compute.

    Args:
        path: Its directory.

    Raises:
        ModelError: If it is damaged, brings files or tables of its own, or holds an operation that
            is not known.
    """
    for graph in _graphs(path):
        kinds = {node.WhichOneof("kind") for node in graph.object_graph_def.nodes} - {None}
        if graph.asset_file_def or not kinds <= _OBJECTS:
            raise ModelError(
                f"The SavedModel {path.name} brings files or tables that are read when it is "
                "loaded, which no network of pictures needs. Export the network by itself."
            )
        strange = sorted(set(_operations(graph)) - _OPERATIONS)
        if strange:
            raise ModelError(
                f"The SavedModel {path.name} would run {', '.join(strange[:5])}, which is not "
                "among the known operations of networks: nothing of it was run. Export the network "
                "by itself, or get it from a source that you trust."
            )


def _graphs(path: Path) -> list[Any]:
    """The graphs of the file, parsed; parsing runs nothing."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    file = path / "saved_model.pb"
    if any(each.is_symlink() for each in path.rglob("*")) or file.stat().st_size > _LARGEST_GRAPH:
        raise ModelError(
            f"The SavedModel {path.name} holds links, or a graph of more than 2 GiB: it was not "
            "read. Copy the model's own files into one directory."
        )
    parsed = SavedModel()
    try:
        parsed.ParseFromString(file.read_bytes())
    except DecodeError as error:
        raise ModelError(
            f"saved_model.pb in {path.name} is damaged. Export the model again with "
            "`model.export(...)`."
        ) from error
    return list(parsed.meta_graphs)


def _operations(graph: Any) -> Iterator[str]:
    """Every operation that a call of a signature reaches, and the loading."""
    functions = {each.signature.name: each.node_def for each in graph.graph_def.library.function}
    nodes = {each.name: each for each in graph.graph_def.node}
    waiting = [nodes[name] for name in _starts(graph) if name in nodes]
    seen, called = {node.name for node in waiting}, set[str]()
    while waiting:
        node = waiting.pop()
        yield node.op
        for name in map(_node_name, node.input):
            if name in nodes and name not in seen:
                seen.add(name)
                waiting.append(nodes[name])
        for function in set(_functions(node)) - called:
            called.add(function)
            waiting += functions.get(function, [])


def _starts(graph: Any) -> Iterator[str]:
    """The nodes that are run: what signatures give, and what initialises the model."""
    for signature in graph.signature_def.values():
        for tensor in signature.outputs.values():
            yield _node_name(tensor.name)
    for key in ("saved_model_main_op", "legacy_init_op", "main_op_key"):
        for value in graph.collection_def[key].node_list.value:
            yield _node_name(value)


def _functions(node: Any) -> Iterator[str]:
    """The functions that a node may call."""
    for attribute in node.attr.values():
        if attribute.HasField("func"):
            yield attribute.func.name
        for function in attribute.list.func:
            yield function.name


def _node_name(reference: str) -> str:
    return reference.lstrip("^").partition(":")[0]
