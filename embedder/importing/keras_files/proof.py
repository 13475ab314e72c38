"""Which values of pixels a network expects, where its first layers show it."""

from __future__ import annotations

from typing import Any

from embedder.importing.keras_files.cut import calls_to
from embedder.importing.keras_files.graph import Call, Input, Tensor
from embedder.importing.keras_files.screening import operation_of

_PLACING = frozenset({"Permute", "Reshape", "Resizing", "ZeroPadding2D", "Cropping2D"})
_BYTE = (1 / 255, 1 / 256, 1 / 127.5, 1 / 128)  # only whole pixels of 0 to 255 are scaled so


def expects_whole_pixels(output: Tensor) -> bool:
    """Tell whether all that a network does with its input first is to divide it by 255 or so.

    Args:
        output: What the network gives.
    """
    calls = calls_to(output)
    starts: set[Tensor] = {
        each for call in calls for each in call.inputs if isinstance(each, Input)
    }
    while True:
        first = [call for call in calls if starts & set(call.inputs)]
        placing = [call for call in first if call.layer.kind in _PLACING]
        if len(first) != 1 or not placing:
            return bool(first) and all(map(_scales_bytes, first))
        starts = set(placing)


def _scales_bytes(call: Call) -> bool:
    factor = _factor(call)
    return isinstance(factor, (int, float)) and any(
        abs(factor - each) <= 1e-3 * each for each in _BYTE
    )


def _factor(call: Call) -> Any:
    """The number that a call multiplies its input with; None if it does something else."""
    function = operation_of(call)
    if function is None:
        return call.layer.config.get("scale") if call.layer.kind == "Rescaling" else None
    rest = [each for each in call.args[1:] if isinstance(each, (int, float))]
    rest += [each for each in call.kwargs.values() if isinstance(each, (int, float))]
    if len(rest) != 1:
        return None
    if function == "multiply":
        return rest[0]
    return 1 / rest[0] if function in ("true_divide", "divide") and rest[0] else None
