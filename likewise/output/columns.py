"""The columns of rows, once for all forms of output: CSV, Parquet, Arrow, pandas and tables.

JSON lines need no list: each row names its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_PARTS = ("id", "label", "distance")  # of a neighbour
_TEXT, _DISTANCE, _NUMBER, _COUNT = "text", "distance", "number", "count"
# Every column that a row may have, in its order in each form, and what it holds. A neighbour's own
# columns are those of a table that has a line for each neighbour.
_KINDS = {
    "id": _TEXT,
    "rank": _COUNT,
    "neighbour": _TEXT,
    "decision": _TEXT,
    "label": _TEXT,
    "distance": _DISTANCE,
    "threshold": _NUMBER,
    "p_value": _NUMBER,
    "runner_up_label": _TEXT,
    "runner_up_distance": _DISTANCE,
    "reason": _TEXT,
}
_OF_DECISIONS = (
    *("decision", "label", "distance", "threshold"),
    *("runner_up_label", "runner_up_distance"),
)


def columns(k: int, *, decided: bool, evidence: bool = False) -> list[str]:
    """Name the columns of rows with k neighbours, as a CSV has them.

    Args:
        k: Number of neighbours, each of which has three columns.
        decided: Whether the rows are those of `check`, else of `query`.
        evidence: Whether they have a `p_value`.

    Example:
        >>> columns(1, decided=False)
        ['id', 'reason', 'neighbour_1_id', 'neighbour_1_label', 'neighbour_1_distance']
    """
    names = {"id", "reason", *(_OF_DECISIONS if decided else ()), *(["p_value"] * evidence)}
    numbered = (f"neighbour_{rank}_{part}" for rank in range(1, k + 1) for part in _PARTS)
    return [*in_order(names), *numbered]


def in_order(names: set[str]) -> list[str]:
    """Put names of columns in their order; one that is not known is an error.

    Example:
        >>> in_order({"reason", "distance", "id"})
        ['id', 'distance', 'reason']
    """
    if unknown := names - _KINDS.keys():
        raise ValueError(f"`names` must be columns of rows. Received: {sorted(unknown)}.")
    return [name for name in _KINDS if name in names]


def is_number(name: str) -> bool:
    """Whether a column holds numbers; labels such as `007` or `1e5` are not numbers.

    Example:
        >>> is_number("p_value"), is_number("label")
        (True, False)
    """
    return _KINDS[name] != _TEXT


def arrow_schema(pa: Any, names: Sequence[str]) -> Any:
    """Types of the columns of a Parquet file or an Arrow table; the neighbours are one list.

    Args:
        pa: The module pyarrow.
        names: Columns of the rows, from `columns`.
    """
    types = {
        _TEXT: pa.string(),
        _DISTANCE: pa.float32(),
        _NUMBER: pa.float64(),
        _COUNT: pa.int32(),
    }
    fields = [(name, types[_KINDS[name]]) for name in names if name in _KINDS]
    near = [(name, types[_KINDS[name]]) for name in ("rank", *_PARTS)]
    last = [field for field in fields if field[0] == "reason"]
    neighbours = ("neighbours", pa.list_(pa.struct(near)))
    return pa.schema([*(field for field in fields if field not in last), neighbours, *last])
