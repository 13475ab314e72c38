"""Put a head onto a LiteRT network: the same file, with a dense layer and a normalisation more."""

from __future__ import annotations

from typing import Any

import numpy as np

from embedder.errors import ModelError
from embedder.transfer.head import Head
from likewise.arrays import Floats


def with_head(network: bytes, head: Head) -> bytes:
    """Put a head onto a network.

    Args:
        network: Contents of a `.tflite` file with one output, `(n, d)` float32.
        head: A map of d features.

    Raises:
        ModelError: If the network gives something else.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(network, 0))
    graph = model.subgraphs[0]
    features, dim = head.weights.shape
    if len(graph.outputs) != 1 or graph.tensors[graph.outputs[0]].shape[-1] != features:
        raise ModelError(
            f"Expected a backbone whose network gives {features} features, and nothing else."
        )
    add = _Additions(schema, model)
    weights = add.constant("head/weights", np.ascontiguousarray(head.weights.T))
    bias = add.constant("head/bias", head.bias)
    mapped = add.tensor("head/mapped", dim)
    inputs = add.roots(graph.outputs[0], features) if head.rooted else graph.outputs[0]
    add.operation("FULLY_CONNECTED", [inputs, weights, bias], mapped, _dense(schema))
    unit = add.tensor("head/embedding", dim)
    add.operation("L2_NORMALIZATION", [mapped], unit, _normalisation(schema))
    graph.outputs = [unit]
    for signature in model.signatureDefs or []:
        for output in signature.outputs or []:
            output.tensorIndex = unit
    builder = flatbuffers.Builder(len(network))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _dense(schema: Any) -> tuple[int, Any]:
    return schema.BuiltinOptions.FullyConnectedOptions, schema.FullyConnectedOptionsT()


def _normalisation(schema: Any) -> tuple[int, Any]:
    return schema.BuiltinOptions.L2NormOptions, schema.L2NormOptionsT()


class _Additions:
    """Adds tensors and operations to a model's first graph."""

    def __init__(self, schema: Any, model: Any) -> None:
        self._schema = schema
        self._model = model
        self._graph = model.subgraphs[0]

    def constant(self, name: str, values: Floats) -> int:
        """Add a tensor with these values; returns its number."""
        buffer = self._schema.BufferT()
        buffer.data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        return self._add(name, list(values.shape), None, len(self._model.buffers) - 1)

    def tensor(self, name: str, dim: int) -> int:
        """Add a tensor of as many rows as there are pictures; returns its number."""
        return self._add(name, [1, dim], [-1, dim], 0)

    def roots(self, features: int, dim: int) -> int:
        """Add the square roots of a tensor's values, 0 for those below 0; returns its number."""
        positive, roots = self.tensor("head/positive", dim), self.tensor("head/roots", dim)
        self.operation("RELU", [features], positive)
        self.operation("SQRT", [positive], roots)
        return roots

    def operation(
        self, name: str, inputs: list[int], output: int, options: tuple[int, Any] = (0, None)
    ) -> None:
        """Add an operation at the end."""
        operator = self._schema.OperatorT()
        operator.opcodeIndex = self._code(getattr(self._schema.BuiltinOperator, name))
        operator.inputs, operator.outputs = inputs, [output]
        operator.builtinOptionsType, operator.builtinOptions = options
        self._graph.operators.append(operator)

    def _add(self, name: str, shape: list[int], signature: list[int] | None, buffer: int) -> int:
        tensor = self._schema.TensorT()
        tensor.name = name.encode()
        tensor.shape, tensor.shapeSignature = shape, signature
        tensor.type = self._schema.TensorType.FLOAT32
        tensor.buffer = buffer
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _code(self, builtin: int) -> int:
        for place, code in enumerate(self._model.operatorCodes):
            if code.builtinCode == builtin:
                return place
        code = self._schema.OperatorCodeT()
        code.builtinCode, code.version = builtin, 1
        code.deprecatedBuiltinCode = min(builtin, 127)  # all that an older reader looks at
        self._model.operatorCodes.append(code)
        return len(self._model.operatorCodes) - 1
