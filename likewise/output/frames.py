"""Rows as tables of other libraries, for those who have them: Arrow and pandas."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from likewise.errors import LikewiseError
from likewise.output.columns import arrow_schema, columns
from likewise.output.rows import Row, flat


class LibraryMissingError(LikewiseError, ImportError):
    """A table was asked for whose library is not installed."""


def arrow_table(rows: Sequence[Row], *, decided: bool) -> Any:
    """Make a `pyarrow.Table` with the columns of a Parquet file of these rows.

    Args:
        rows: n rows of `check` or of `query`.
        decided: Whether they are rows of `check`.

    Raises:
        LibraryMissingError: If pyarrow is not installed.

    Example:
        >>> arrow_table([{"id": "a.png", "neighbours": []}], decided=False).column_names
        ['id', 'neighbours', 'reason']
    """
    arrow = _library("pyarrow", "to_arrow", "likewise[parquet]")
    schema = arrow_schema(arrow, _names(rows, 0, decided))
    return arrow.Table.from_pylist(list(rows), schema=schema)


def data_frame(rows: Sequence[Row], *, decided: bool) -> Any:
    """Make a `pandas.DataFrame` with the columns of a CSV of these rows, neighbours numbered.

    Args:
        rows: n rows of `check` or of `query`.
        decided: Whether they are rows of `check`.

    Raises:
        LibraryMissingError: If pandas is not installed.

    Example:
        >>> data_frame([{"id": "a.png", "neighbours": []}], decided=False).columns.tolist()
        ['id', 'reason']
    """
    pandas = _library("pandas", "to_pandas", "pandas")
    k = max((len(row["neighbours"]) for row in rows), default=0)
    return pandas.DataFrame(list(map(flat, rows)), columns=_names(rows, k, decided))


def _names(rows: Sequence[Row], k: int, decided: bool) -> list[str]:
    return columns(k, decided=decided, evidence=any("p_value" in row for row in rows))


def _library(name: str, method: str, install: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise LibraryMissingError(
            f"`{method}` needs {name}, which is not installed: pip install '{install}'"
        ) from error
