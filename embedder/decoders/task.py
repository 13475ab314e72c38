"""Tasks and results of a decoder process, and their encoding in a pipe."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from likewise.arrays import Pixels


@dataclass(frozen=True, slots=True)
class Task:
    """How to decode a picture.

    Attributes:
        max_pixels: Width times height at most.
        preprocessing: One of `embedder.preprocessing.prepare.PREPROCESSINGS`, to bring it to
            `shape`; None to leave it as it is.
        shape: What the network takes.
        hashed: Whether to hash the picture, before it is prepared.
        box: x, y, w and h of the part that is cut out before that; None for the whole picture.
    """

    max_pixels: int
    preprocessing: str | None = None
    shape: tuple[int, ...] = ()
    hashed: bool = False
    box: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A decoded picture.

    Attributes:
        pixels: uint8 `(h, w)` or `(h, w, 3)`; `Task.shape` where it was to be prepared.
        content: Its content hash; empty unless asked for.
    """

    pixels: Pixels
    content: bytes = b""


def send(stream: BinaryIO, note: dict[str, Any], body: bytes | memoryview = b"") -> None:
    """Write a message: a line of JSON, and bytes.

    Args:
        stream: Where to.
        note: The message, JSON.
        body: Bytes that follow it.
    """
    stream.write(json.dumps({**note, "size": len(body)}).encode() + b"\n")
    stream.write(body)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Read a message; None where the stream has ended, be it in the midst of one."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    note = json.loads(line)
    size = note.pop("size")
    body = stream.read(size)
    return (note, body) if len(body) == size else None


def as_note(task: Task) -> dict[str, Any]:
    """A task as JSON."""
    return asdict(task)


def as_task(note: dict[str, Any]) -> Task:
    """The task of `as_note`."""
    box = None if note["box"] is None else tuple(note["box"])
    return Task(**{**note, "shape": tuple(note["shape"]), "box": box})
