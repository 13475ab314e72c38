"""psycopg, the driver of PostgreSQL: an extra, imported when a gallery in a database is named."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from index.errors import GalleryError


def psycopg() -> Any:
    """The driver.

    Raises:
        GalleryError: If it is not installed.
    """
    try:
        return import_module("psycopg")
    except ImportError as error:
        raise GalleryError(
            "A gallery in PostgreSQL needs a driver, which is not installed: pip install "
            "'likewise[postgres]'"
        ) from error
