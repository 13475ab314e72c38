"""Rows of a Parquet list; pyarrow, an extra, is imported on first use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from embedder.errors import DatasetError, EmbedderError

_AT_ONCE = 1000


class ParquetMissingError(EmbedderError):
    """Parquet needs pyarrow, and it is not installed."""


def import_pyarrow() -> Any:
    """Import pyarrow, with its module `parquet`.

    Raises:
        ParquetMissingError: If it is not installed.
    """
    try:
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise ParquetMissingError(
            "Parquet needs pyarrow, which is not installed: pip install 'likewise[parquet]'"
        ) from error
    return pyarrow


def parquet_rows(
    path: Path, choose: Callable[[list[str]], str | None] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Stream (row number from 1, columns by name), a thousand rows in memory at a time.

    Args:
        path: The file.
        choose: Chooses of all names of columns the one that is read; no row comes where it
            chooses None. Without it all columns are read.

    Raises:
        DatasetError: If the file is damaged or no Parquet; the message names file and row.
        ParquetMissingError: If pyarrow is not installed.

    Example:
        >>> next(parquet_rows(Path("no-such.parquet")))
        Traceback (most recent call last):
        ...
        embedder.errors.DatasetError: no-such.parquet cannot be read as Parquet from row 1 on...
    """
    with opened(path) as file:
        column = choose(file.schema_arrow.names) if choose else None
        if choose and column is None:
            return
        columns = None if column is None else [column]
        yield from enumerate(rows_of(path, file, _AT_ONCE, columns), 1)


def opened(path: Path) -> Any:
    """Open a Parquet file, to be closed by the caller.

    Raises:
        DatasetError: If it is damaged or no Parquet.
        ParquetMissingError: If pyarrow is not installed.
    """
    arrow = import_pyarrow()
    try:
        file = arrow.parquet.ParquetFile(path)
        _ = file.schema_arrow  # converted when it is first asked for, which may fail too
        return file
    except (OSError, arrow.ArrowException) as error:
        raise _damaged(path, error, 1) from error


def rows_of(
    path: Path, file: Any, at_once: int, columns: list[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Stream the rows of an open file: columns by name.

    Args:
        path: What messages call it.
        file: As `opened` returns it.
        at_once: Rows in memory at a time, >= 1.
        columns: Names of those that are read; None for all.

    Raises:
        DatasetError: If it is damaged; the message names file and row.
    """
    arrow = import_pyarrow()
    number = 0
    try:
        for batch in file.iter_batches(at_once, columns=columns):
            for row in _rows(batch):
                number += 1
                yield row
    except (OSError, arrow.ArrowException) as error:
        raise _damaged(path, error, number + 1) from error


def _rows(batch: Any) -> list[dict[str, Any]]:
    """The rows of a batch; a value that Python cannot hold is text."""
    try:
        rows: list[dict[str, Any]] = batch.to_pylist()
        return rows
    except (ValueError, OverflowError):
        cells = [map(_value, column) for column in batch.columns]
        return [dict(zip(batch.schema.names, row, strict=True)) for row in zip(*cells, strict=True)]


def _value(cell: Any) -> Any:
    """A cell in Python; invalid UTF-8 keeps its bytes, and a date beyond Python's is text."""
    try:
        return cell.as_py()
    except (ValueError, OverflowError):
        if hasattr(cell, "as_buffer"):
            return cell.as_buffer().to_pybytes().decode("utf-8", "surrogateescape")
        return str(cell.cast(import_pyarrow().string()))


def count_rows(path: Path) -> int:
    """Read the number of rows from the footer of a Parquet file that was opened before."""
    with import_pyarrow().parquet.ParquetFile(path) as file:
        return int(file.metadata.num_rows)


def _damaged(path: Path, error: Exception, row: int) -> DatasetError:
    return DatasetError(
        f"{path} cannot be read as Parquet from row {row} on "
        f"({str(error).splitlines()[0]}): write it again."
    )
