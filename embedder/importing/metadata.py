"""The metadata that MediaPipe and others publish in `.tflite` files: licence and scaling.

A `.tflite` file is a FlatBuffer, and so is its metadata. The few fields needed here are read by
their numbers in the two schemas. Damaged metadata counts as missing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_BUFFER_NAME = b"TFLITE_METADATA"
_LONGEST = 1 << 20  # bytes of a text, and entries of a list
_NORMALIZATION = 1  # of the kinds of ProcessUnitOptions


@dataclass(frozen=True)
class Metadata:
    """Metadata of a file.

    Attributes:
        licence: The licence, in the author's words.
        mean: Number subtracted from each pixel before the network, the same for all channels.
        spread: Number by which the difference is then divided.
    """

    licence: str | None = None
    mean: float | None = None
    spread: float | None = None


def read_metadata(network: bytes) -> Metadata:
    """Read a file's metadata.

    Args:
        network: Contents of a `.tflite` file.

    Returns:
        The metadata; None in each field that is missing or damaged.
    """
    try:
        content = _metadata_of(network)
        return Metadata() if content is None else _parsed(content)
    except (struct.error, IndexError, UnicodeDecodeError, ValueError):
        return Metadata()


def _metadata_of(network: bytes) -> bytes | None:
    """The metadata's own FlatBuffer, among the file's buffers."""
    model = _Table.root(network)
    for entry in model.tables(6):
        if entry.text(0) == _BUFFER_NAME:
            buffers = list(model.tables(4))
            return buffers[entry.number(1, "<I") or 0].text(0)
    return None


def _parsed(content: bytes) -> Metadata:
    model = _Table.root(content)
    licence = model.text(5)
    mean, spread = _normalization(model)
    return Metadata(licence.decode() if licence else None, mean, spread)


def _normalization(model: _Table) -> tuple[float | None, float | None]:
    """Mean and spread of the first input, where one number stands for all channels."""
    for graph in model.tables(2):
        for tensor in graph.tables(2):
            for unit in tensor.tables(4):
                options = unit.table(1)
                if unit.number(0, "<B") == _NORMALIZATION and options is not None:
                    means, spreads = options.floats(0), options.floats(1)
                    if len(set(means)) == len(set(spreads)) == 1:
                        return means[0], spreads[0]
    return None, None


class _Table:
    """A table of a FlatBuffer: fields by number, each perhaps absent."""

    def __init__(self, data: bytes, place: int) -> None:
        if not 0 <= place < len(data):
            raise ValueError("a table outside of the file")
        self._data = data
        self._place = place
        self._fields = place - self._read("<i", place)

    @classmethod
    def root(cls, data: bytes) -> _Table:
        return cls(data, struct.unpack_from("<I", data)[0])

    def number(self, field: int, kind: str) -> int | None:
        place = self._of(field)
        return None if place is None else self._read(kind, place)

    def table(self, field: int) -> _Table | None:
        place = self._of(field)
        return None if place is None else self._at(place)

    def tables(self, field: int) -> Iterator[_Table]:
        start, count = self._vector(field)
        return (self._at(start + 4 * place) for place in range(count))

    def text(self, field: int) -> bytes:
        start, count = self._vector(field)
        return self._data[start : start + count]

    def floats(self, field: int) -> list[float]:
        start, count = self._vector(field)
        return list(struct.unpack_from(f"<{count}f", self._data, start))

    def _of(self, field: int) -> int | None:
        """The place of a field; None if it is absent."""
        slot = 4 + 2 * field
        if slot + 2 > self._read("<H", self._fields):
            return None
        offset = self._read("<H", self._fields + slot)
        return self._place + offset if offset else None

    def _at(self, place: int) -> _Table:
        return _Table(self._data, place + self._read("<I", place))

    def _vector(self, field: int) -> tuple[int, int]:
        """The place of a vector's first entry, and how many there are."""
        place = self._of(field)
        if place is None:
            return 0, 0
        start = place + self._read("<I", place)
        count = self._read("<I", start)
        if count > _LONGEST:
            raise ValueError("a vector longer than any that is read here")
        return start + 4, count

    def _read(self, kind: str, place: int) -> int:
        if place < 0:
            raise ValueError("a place before the file")
        return int(struct.unpack_from(kind, self._data, place)[0])
