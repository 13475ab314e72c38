"""Open an HDF5 file that a stranger wrote: only data that lie in the file itself are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from embedder.errors import ModelError

_MOST_BYTES = 2 << 30  # no `.tflite` file can hold more


@contextmanager
def opened_hdf5(file: IO[bytes], name: str) -> Iterator[Any]:
    """Open an HDF5 file and refuse links to other files.

    Args:
        file: Open for reading, binary.
        name: The file's name, for messages.

    Yields:
        A read-only `h5py.File`. It is closed at the end: one that is still open when Python ends
        crashes it.

    Raises:
        ModelError: If it is no HDF5, links to elsewhere, or unpacks to more than 2 GiB.
    """
    import h5py

    try:
        opened = h5py.File(file, "r")
    except OSError as error:
        raise ModelError(
            f"{name} holds no readable HDF5 data: it is damaged, or of another format. "
            "Save the model again with `model.save(...)`."
        ) from error
    with opened:
        if _size(opened, name) > _MOST_BYTES:
            raise ModelError(
                f"The weights in {name} would take more than 2 GiB, which no LiteRT network can "
                "hold: import a smaller model."
            )
        yield opened


def _size(opened: Any, name: str) -> int:
    """Bytes of all arrays once they are read; refuses links on the way."""
    import h5py

    waiting, total = [opened], 0
    while waiting:
        group = waiting.pop()
        for key in group:
            link = group.get(key, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise _points_elsewhere(name, f"{group.name.rstrip('/')}/{key}")
            item = group[key]
            if isinstance(item, h5py.Group):
                waiting.append(item)
            elif item.external or item.is_virtual:
                raise _points_elsewhere(name, item.name)
            else:
                total += item.nbytes
    return total


def _points_elsewhere(name: str, place: str) -> ModelError:
    return ModelError(
        f"{name} takes {place} from another file or place, which a saved model never does: "
        "it was not opened. Get the model from a source that you trust."
    )
