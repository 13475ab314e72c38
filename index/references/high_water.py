"""The high-water mark: the state of the references after the last acknowledged change.

It lies beside the references, in `references.mark`, and is written after each commit. What
takes the references back to an older state, such as a damaged or missing log or an older copy of
their file, does not take the mark with it, and is noticed when they are opened.

Eight records of 64 bytes, the one of a generation at its number modulo eight, so that no write
touches a record that another process has just written. Not synced at each commit, which would cost
half as much again: it may be older than the references after a power cut, never newer.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from index.errors import OlderStateError, StoreError
from index.references.rows import State
from index.storage.files import write_whole, written

_RECORDS, _SIZE = 8, 64
_FIELDS = struct.Struct("<5q")
_BLANK = bytes(_SIZE)
_READS = 3  # attempts to read a record that is being written


class HighWater:
    """The mark in a file; references that an older version made have none.

    Args:
        store: The file of the references.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     mark = HighWater(Path(folder, "references.sqlite"))
        ...     mark.begin(State(generation=1, count=5))
        ...     mark.write(State(generation=2, count=7))
        ...     mark.read()
        State(generation=2, count=7, total=0, last_slot=0, last_removal=0)
    """

    def __init__(self, store: Path) -> None:
        self.path = store.with_suffix(".mark")

    def read(self) -> State | None:
        """The last acknowledged state; None if there is no mark.

        Raises:
            StoreError: If the file is altered or cannot be read.
        """
        for _ in range(_READS):
            try:
                content = self.path.read_bytes()
            except FileNotFoundError:
                return None
            except OSError as error:
                raise StoreError(f"Cannot read '{self.path}': {error.strerror}.") from error
            records = [content[start : start + _SIZE] for start in range(0, len(content), _SIZE)]
            states = [_state(record) for record in records if record != _BLANK]
            whole = [state for state in states if state is not None]
            if whole and len(whole) == len(states) and len(records) == _RECORDS:
                return max(whole, key=lambda state: state.generation)
        raise StoreError(
            f"'{self.path}', which records the last acknowledged change, was altered. Restore it, "
            f"or accept the references as they are: {_accept(self.path)}"
        )

    def begin(self, state: State) -> None:
        """Make the file where there is none, within a transaction that no other process is in."""
        if not self.path.exists():
            self.replace(state)

    def write(self, state: State) -> None:
        """Record an acknowledged state.

        Raises:
            OSError: If the file cannot be written.
        """
        with written(self.path), open(self.path, "r+b", buffering=0) as file:
            file.seek(_place(state))
            file.write(_record(state))

    def replace(self, state: State) -> None:
        """Write the file anew, durably, with this state alone."""
        content = bytearray(_RECORDS * _SIZE)
        content[_place(state) : _place(state) + _SIZE] = _record(state)
        write_whole(self.path, bytes(content))

    def sync(self) -> None:
        """Bring what was recorded to the disk; a mark that cannot be synced is a little older."""
        with suppress(OSError), open(self.path, "r+b") as file:
            os.fsync(file.fileno())


def older_state(store: Path, state: State, proof: str) -> OlderStateError:
    """The error that says that the references are older than what was acknowledged.

    Args:
        store: The file of the references.
        state: Their state.
        proof: What shows that there was a later state.
    """
    return OlderStateError(
        f"'{store}' holds generation {state.generation} with {state.count} references, but "
        f"{proof}: its log, '{store.name}-wal', is missing or damaged, or the file is an older "
        f"copy. Restore it from a backup, or accept the older state: {_accept(store)}"
    )


def _accept(file: Path) -> str:
    """The command that accepts the references as they are."""
    import shlex  # seldom needed, so not paid for at every start

    return f"likewise doctor {shlex.quote(str(file.parent))} --accept-older"


def _place(state: State) -> int:
    return state.generation % _RECORDS * _SIZE


def _record(state: State) -> bytes:
    fields = _FIELDS.pack(
        state.generation, state.count, state.total, state.last_slot, state.last_removal
    )
    return fields + blake2b(fields, digest_size=_SIZE - _FIELDS.size).digest()


def _state(record: bytes) -> State | None:
    """The state in a record; None if the record is not as it was written."""
    fields = record[: _FIELDS.size]
    if len(record) != _SIZE or record[_FIELDS.size :] != _record_checksum(fields):
        return None
    return State(*_FIELDS.unpack(fields))


def _record_checksum(fields: bytes) -> bytes:
    return blake2b(fields, digest_size=_SIZE - _FIELDS.size).digest()
