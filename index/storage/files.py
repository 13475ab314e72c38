"""What a full disk is told by: the file or directory that was being written."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def written(path: Path | str) -> Iterator[None]:
    """Have the error of a full disk name `path`.

    Left alone, Python's names nothing or, for a copy, the file that was read.

    Raises:
        OSError: As it came from the block.

    Example:
        >>> with written("rows.csv"):
        ...     raise OSError(errno.ENOSPC, "No space left on device")
        Traceback (most recent call last):
        OSError: [Errno 28] No space left on device: 'rows.csv'
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            error.filename = str(path)
        raise
