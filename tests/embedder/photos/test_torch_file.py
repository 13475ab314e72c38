"""Weights of PyTorch are data to us: what would run code, or read beyond the file, is refused."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.errors import ModelError
from embedder.photos.torch_file import read_tensors

MAGIC = 0x1950A86A20F9469CFC6C


class Named:
    """Pickles as a name of another module, which need not be there."""

    def __init__(self, module: str, name: str, arguments: tuple[object, ...] = ()) -> None:
        self.parts = module, name, arguments


class Storage:
    """Pickles as PyTorch's persistent id of a storage."""

    def __init__(self, key: str, count: int, kind: str = "FloatStorage") -> None:
        self.id = ("storage", Named("torch", kind), key, "cpu", count, None)


PythonPickler: Any = vars(pickle)["_Pickler"]  # only the one in Python takes a hook for names


class Writer(PythonPickler):  # type: ignore[misc]
    def persistent_id(self, obj):
        return obj.id if isinstance(obj, Storage) else None

    def save(self, obj, save_persistent_id=True):
        if not isinstance(obj, Named):
            return super().save(obj, save_persistent_id)
        module, name, arguments = obj.parts
        self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
        if arguments:
            self.save(arguments)
            self.write(pickle.REDUCE)
        return None


def tensor(storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]):
    hooks: dict[str, object] = OrderedDict()
    arguments = (storage, offset, shape, strides, False, hooks)
    return Named("torch._utils", "_rebuild_tensor_v2", arguments)


def torch_file(tensors, numbers: dict[str, np.ndarray], magic: int = MAGIC) -> bytes:
    file = io.BytesIO()
    for value in (magic, 1001, {"little_endian": True}, tensors, list(numbers)):
        Writer(file, protocol=2).dump(value)
    for array in numbers.values():
        file.write(array.size.to_bytes(8, "little") + array.tobytes())
    return file.getvalue()


NUMBERS = {"7": np.arange(6, dtype=np.float32)}


def of_one(*view) -> bytes:
    return torch_file({"weight": tensor(Storage("7", 6), *view)}, NUMBERS)


def test_a_tensor_is_read_by_its_strides():
    read = read_tensors(of_one(0, (3, 2), (1, 3)))
    np.testing.assert_array_equal(read["weight"], [[0, 3], [1, 4], [2, 5]])


def test_a_tensor_may_be_a_part_of_its_storage_or_one_number():
    assert read_tensors(of_one(4, (2,), (1,)))["weight"].tolist() == [4, 5]
    assert read_tensors(of_one(5, (), ()))["weight"].item() == 5


def test_whole_numbers_are_read_too():
    counts = {"3": np.array([41], np.int64)}
    file = torch_file({"n": tensor(Storage("3", 1, "LongStorage"), 0, (), ())}, counts)
    assert read_tensors(file)["n"].item() == 41


@pytest.mark.parametrize(
    "view",
    [
        (5, (2,), (1,)),
        (0, (7,), (1,)),
        (0, (2, 2), (1, 5)),
        (-1, (2,), (1,)),
        (5, (2,), (-1,)),
        (0, (2, 2), (1,)),
    ],
)
def test_a_tensor_that_leaves_its_storage_is_refused(view):
    with pytest.raises(ModelError, match="something else"):
        read_tensors(of_one(*view))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("torch", "load"),
        ("torch._utils", "_rebuild_qtensor"),
    ],
)
def test_a_pickle_that_names_anything_else_is_refused_and_runs_nothing(module, name, tmp_path):
    trace = tmp_path / "trace"
    hostile = Named(module, name, (f"touch {trace}",))
    with pytest.raises(ModelError, match=f"it names {module}.{name}"):
        read_tensors(torch_file({"weight": hostile}, NUMBERS))
    assert not trace.exists()


def test_the_machine_of_a_file_can_run_nothing_either():
    file = io.BytesIO()
    for value in (MAGIC, 1001, Named("os", "getpid", ())):
        Writer(file, protocol=2).dump(value)
    with pytest.raises(ModelError, match=r"it names os\.getpid"):
        read_tensors(file.getvalue())


def test_calling_a_type_is_refused():
    with pytest.raises(ModelError, match=r"it calls torch\.FloatStorage"):
        read_tensors(torch_file({"w": Named("torch", "FloatStorage", (6,))}, NUMBERS))


def test_another_magic_number_is_refused():
    with pytest.raises(ModelError, match="other magic number"):
        read_tensors(torch_file({}, {}, magic=7))


def test_a_storage_of_another_length_is_refused():
    with pytest.raises(ModelError, match="a storage of another length"):
        read_tensors(torch_file({"w": tensor(Storage("7", 5), 0, (2,), (1,))}, NUMBERS))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", bytes(range(200, 256)), b"\x80\x02."])
def test_what_is_no_such_file_is_refused(content):
    with pytest.raises(ModelError, match="Expected weights that PyTorch saved"):
        read_tensors(content)


@given(st.integers(0, 600), st.integers(0, 255))
def test_a_file_that_is_cut_off_or_altered_gives_tensors_or_a_plain_error(place, byte):
    whole = of_one(0, (3, 2), (1, 3))
    for damaged in (whole[:place], whole[:place] + bytes([byte]) + whole[place + 1 :]):
        try:
            read = read_tensors(damaged)
        except ModelError:
            continue
        assert all(isinstance(array, np.ndarray) for array in read.values())
