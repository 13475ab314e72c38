"""The rows of a Parquet list; PyArrow is imported when such a list is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embedder.errors import DatasetError

_AT_ONCE = 1000


def parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Stream (row number from 1, columns by name), a thousand rows in memory at a time.

    Raises:
        DatasetError: If the file is damaged or no Parquet; the message names file and row.

    Example:
        >>> next(parquet_rows(Path("no-such.parquet")))
        Traceback (most recent call last):
        ...
        embedder.errors.DatasetError: no-such.parquet cannot be read as Parquet from row 1 on...
    """
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_AT_ONCE):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (OSError, arrow.ArrowException) as error:
        raise DatasetError(
            f"{path} cannot be read as Parquet from row {number + 1} on "
            f"({str(error).splitlines()[0]}): write it again."
        ) from error


def count_rows(path: Path) -> int:
    """Read the number of rows from the footer of a Parquet file that was opened before."""
    import pyarrow.parquet as parquet

    with parquet.ParquetFile(path) as file:
        return int(file.metadata.num_rows)
