"""The note beside the FAISS file, `vectors.json`: which rows it holds, its size and its digest."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from index.errors import StoreError
from index.search.mark import Mark
from index.storage.files import read_sealed, write_sealed

_FORMAT = 1
_NOTE = "vectors.json"
_WORTH_SAVING = 1024  # missing rows that cost a reader more time than writing costs us
_WORTH_INTERRUPTING = 65_536  # the same while still writing


@dataclass(frozen=True, slots=True)
class Note:
    """What the note says.

    Attributes:
        dim: Length of the vectors.
        size: Size of the FAISS file, in bytes.
        sha256: SHA-256 of the FAISS file, hexadecimal.
        mark: Which rows it holds.
    """

    dim: int
    size: int
    sha256: str
    mark: Mark


def read_note(directory: Path) -> Note | None:
    """Read the note of a gallery; None if it is missing, damaged or not such a note."""
    try:
        content = read_sealed(directory / _NOTE)
    except StoreError:
        return None
    mark = content.get("mark")
    if content.get("format") != _FORMAT or not isinstance(mark, dict):
        return None
    if set(mark) != {field.name for field in fields(Mark)}:
        return None
    dim, size, digest = content.get("dim"), content.get("size"), content.get("sha256")
    if not (isinstance(dim, int) and isinstance(size, int) and isinstance(digest, str)):
        return None
    return Note(dim, size, digest, Mark(**mark)) if set(map(type, mark.values())) == {int} else None


def write_note(directory: Path, note: Note) -> None:
    """Write the note of a gallery, durably.

    Args:
        directory: The gallery's directory.
        note: What to write.

    Raises:
        OSError: If it cannot be written.
    """
    content: dict[str, Any] = {"format": _FORMAT, **asdict(note)}
    write_sealed(directory / _NOTE, content)


def worth_writing(behind: int, count: int, *, still_writing: bool = False) -> bool:
    """Decide whether a derived file is far enough behind to be written again.

    Args:
        behind: Rows that it lacks or should not have.
        count: Rows that it would hold.
        still_writing: Whether more changes are likely.
    """
    if still_writing:
        return behind > max(_WORTH_INTERRUPTING, count // 2)
    return behind > min(_WORTH_SAVING, count // 16)
