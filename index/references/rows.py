"""An enrolled image: for callers, as a new row, and as a stored row with a checksum.

A row's checksum covers the digest of its picture rather than the pixels, so reading a name never
reads a picture.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from index.errors import StoreError
from index.storage.pictures import decode_picture
from likewise.arrays import Floats, Pixels

_HEAD = struct.Struct("<q6i")
_ABSENT = -1


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """One enrolled image.

    Attributes:
        id: The caller's name for it, unique in the gallery.
        label: Its group; None for a reference without one.
        vector: Its embedding, `(dim,)`, float32.
        metadata: The caller's JSON object; `{}` by default.
        picture: uint8, `(h, w)` or `(h, w, c)`, or None.
        content: The caller's hash of the picture, or None.
    """

    id: str
    label: str | None
    vector: Floats
    metadata: Mapping[str, Any]
    picture: Pixels | None
    content: bytes | None


class Row(NamedTuple):
    """A stored reference, in the order of the table's columns, without the picture.

    The label of a reference without a group is empty, which no group's is.
    """

    slot: int
    id: str
    label: str
    content: bytes | None
    metadata: str | None
    vector: bytes
    picture_digest: bytes | None
    checksum: int

    @property
    def group(self) -> str | None:
        """The label; None for a reference without a group."""
        return self.label or None

    def intact(self) -> bool:
        """Whether the row matches its checksum."""
        try:
            return self.checksum == row_checksum(*self[:-1])
        except (TypeError, AttributeError, struct.error):  # even the types are wrong
            return False

    def reference(self, picture: bytes | None) -> Reference:
        """The reference for callers."""
        metadata = json.loads(self.metadata) if self.metadata is not None else {}
        if not isinstance(metadata, dict):
            raise ValueError(f"its metadata must be an object. Received: {self.metadata}")
        return Reference(
            self.id,
            self.group,
            np.frombuffer(bytearray(self.vector), "<f4").astype(np.float32, copy=False),
            metadata,
            None if picture is None else decode_picture(picture),
            self.content,
        )


class NewRow(NamedTuple):
    """A reference to store: the caller's fields of `Row`, and the picture."""

    id: str
    label: str
    content: bytes | None
    metadata: str | None
    vector: bytes
    picture: bytes | None

    def at(self, slot: int) -> tuple[Any, ...]:
        """The fields of the row in this slot, and the picture, in the order of the columns."""
        id, label, content, metadata, vector, picture = self
        digest = None if picture is None else picture_digest(picture)
        checksum = row_checksum(slot, id, label, content, metadata, vector, digest)
        return slot, id, label, content, metadata, vector, digest, checksum, picture


@dataclass(frozen=True, slots=True)
class State:
    """State of the store.

    Attributes:
        generation: Number of changes so far.
        count: Number of rows.
        total: Sum of the rows' checksums, as signed 64 bits.
        last_slot: The largest slot ever used.
        last_removal: The last place in the removal log.
    """

    generation: int = 0
    count: int = 0
    total: int = 0
    last_slot: int = 0
    last_removal: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One transaction: the states before and after, the removed slots and the new ones."""

    before: State
    after: State
    removed: list[int]
    added: range


def stacked(rows: Sequence[Row], dim: int, store: object) -> Floats:
    """The vectors of rows, `(n, dim)`, float32.

    Args:
        rows: Verified.
        dim: Length of the gallery's vectors.
        store: What they come from, for the message.

    Raises:
        StoreError: If a row has a vector of another length.
    """
    foreign = [row for row in rows if len(row.vector) != 4 * dim]
    if foreign:
        raise StoreError(
            f"'{store}' belongs to another gallery: the vector of '{foreign[0].id}' has "
            f"{len(foreign[0].vector) // 4} numbers, but this gallery's have {dim}. Restore the "
            "file from a backup, or build the gallery again."
        )
    packed = np.frombuffer(b"".join(row.vector for row in rows), "<f4")
    return packed.astype(np.float32, copy=False).reshape(-1, dim)


def row_checksum(
    slot: int,
    id: str,
    label: str,
    content: bytes | None,
    metadata: str | None,
    vector: bytes,
    picture_digest: bytes | None,
) -> int:
    """64 bits over all fields and their lengths, as a signed integer.

    Args:
        slot: Place of the row in the table.
        id: Name of the reference.
        label: Its group.
        content: Hash of its picture, or None.
        metadata: JSON text, or None.
        vector: Little-endian float32 values.
        picture_digest: Digest of the encoded picture, or None.

    Example:
        >>> row_checksum(1, "ab", "c", None, None, b"", None) == row_checksum(
        ...     1, "a", "bc", None, None, b"", None
        ... )
        False
    """
    name, group = id.encode(), label.encode()
    extra = None if metadata is None else metadata.encode()
    head = _HEAD.pack(
        slot,
        len(name),
        len(group),
        _ABSENT if content is None else len(content),
        _ABSENT if extra is None else len(extra),
        len(vector),
        _ABSENT if picture_digest is None else len(picture_digest),
    )
    body = (head, name, group, content or b"", extra or b"", vector, picture_digest or b"")
    digest = blake2b(b"".join(body), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def picture_digest(picture: bytes) -> bytes:
    """8 bytes over an encoded picture."""
    return blake2b(picture, digest_size=8).digest()


def wrap(total: int) -> int:
    """Wrap a sum of checksums to the signed 64 bits that SQLite stores.

    Example:
        >>> wrap(2**63)
        -9223372036854775808
    """
    return (total + 2**63) % 2**64 - 2**63
