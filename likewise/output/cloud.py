"""Files that are written to cloud storage: made in a temporary folder, and stored when whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedder.data.cloud import FULL, file_system, naming, renaming

_ADDRESSES: dict[Path, str] = {}  # of temporary folders


@dataclass(frozen=True, slots=True)
class CloudFile:
    """A file to be written.

    Attributes:
        address: For example `s3://bucket/out/rows.csv`.
    """

    address: str

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.address.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The address without the name."""
        return self.address.rpartition("/")[0]

    def __str__(self) -> str:
        return self.address

    @contextmanager
    def made_here(self, *, with_parts: bool = False) -> Iterator[Path]:
        """Make the file in a temporary folder; what is new there is stored when the block ends.

        Nothing is stored if the block raises. A file of the same name is replaced.

        Args:
            with_parts: Whether to fetch the parts of a sharded output first.

        Yields:
            Path of the file to write; files beside it are stored beside it.

        Raises:
            DatasetError: If the storage cannot be reached.
        """
        system, path = file_system(self.address)
        folder = path.rpartition("/")[0]
        with tempfile.TemporaryDirectory(prefix="likewise-") as name:
            here = Path(name)
            _ADDRESSES[here] = self.folder
            try:
                fetched = self._fetch_parts(system, folder, here) if with_parts else set()
                with _named_if_full(self.address), renaming(here, self.folder):
                    yield here / self.name
                for file in sorted(set(here.iterdir()) - fetched):
                    with naming(f"{self.folder}/{file.name}"):
                        system.put_file(str(file), f"{folder}/{file.name}")
            finally:
                del _ADDRESSES[here]

    def _fetch_parts(self, system: Any, folder: str, here: Path) -> set[Path]:
        with naming(self.folder):
            names = [found.rpartition("/")[2] for found in system.ls(folder, detail=False)]
            parts = {name for name in names if name.startswith(f"{self.name}.part-")}
            for name in parts:
                system.get_file(f"{folder}/{name}", str(here / name))
        return {here / name for name in parts}


@contextmanager
def _named_if_full(address: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        with naming(address):
            raise


def is_made_here(path: Path) -> bool:
    """Whether a file is made in a temporary folder, to be stored elsewhere."""
    return path.parent in _ADDRESSES


def shown(path: Path) -> str:
    """Name a file for the user: its address, where it is made here to be stored there."""
    address = _ADDRESSES.get(path.parent)
    return str(path) if address is None else f"{address}/{path.name}"
