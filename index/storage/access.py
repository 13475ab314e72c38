"""Read one SQLite file: under SQLite's locks, or without them where they are unavailable.

In WAL mode SQLite's locks live in a file beside the database, `-shm`. A process that may not create
it (a read-only mount, another user's files, a full disk) reads without locks:

- with nothing in the log, the file itself (`immutable=1`): its cached pages are dropped before each
  snapshot, so that it is read as it is now;
- with changes in the log, a private copy of both, made anew whenever either is another one.

Without locks a checkpoint may overwrite what is being read. That is noticed at the end of each
snapshot by the files' sizes and times, and refused by name. Knows nothing of tables.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from index.errors import BusyError

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

LOG = "-wal"
_TICK = 20_000_000  # nanoseconds: within a tick of the file system's clock two writes look alike
_TRIES = 40  # attempts while a writer keeps changing the files
_OF_LOG = 3  # fields of `Seen` before those of the log
_IN_MEMORY = "/dev/shm"
_COPIED_AT_ONCE = 1 << 24
_NO_LOCKS = (
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
)

# Closing any descriptor of a file drops all locks that this process holds on it (POSIX), SQLite's
# too. So what was opened without locks is kept for the next use instead of being closed.
_guard = Lock()
_idle: dict[tuple[int, int], list[sqlite3.Connection]] = {}
_descriptors: dict[tuple[int, int], int] = {}


class Seen(NamedTuple):
    """State of the files: everything that differs after a change."""

    file: tuple[int, int]
    changed: int
    size: int
    log_changed: int
    log_size: int


class Access:
    """One connection to a file, as of now at the beginning of each snapshot.

    Args:
        place: The file, absolute.
        writable: Whether this user may write it.
        timeout: Seconds to wait for another process's lock.

    Attributes:
        connection: In autocommit mode; another object after `begin` or `lock`, if need be.
        locked: Whether SQLite's locks hold.
        refusal: Why they do not hold.

    Raises:
        sqlite3.Error: If the file cannot be read.
    """

    connection: sqlite3.Connection

    def __init__(self, place: Path, *, writable: bool, timeout: float) -> None:
        self.locked = False
        self.refusal: sqlite3.Error | None = None
        self._place = place
        self._writable = writable
        self._timeout = timeout
        self._seen: Seen | None = None  # state of what is read without locks
        self._private: TemporaryDirectory[str] | None = None
        self._closed = False
        self._open(_look(place))

    def begin(self) -> None:
        """Begin a snapshot."""
        if not self.locked and not self._closed:
            self._renew()
        self.connection.execute("BEGIN")

    def require_unchanged(self) -> None:
        """Refuse what was read without locks while a checkpoint overwrote the file.

        Raises:
            BusyError: To be answered by asking again.
        """
        if self._seen is not None and self._private is None:
            now = _look(self._place)
            if now[:_OF_LOG] != self._seen[:_OF_LOG]:
                raise self._changing()

    def lock(self) -> None:
        """Take up SQLite's locks, if they are available now."""
        if not self.locked and not self._closed:
            self._let_go()
            self._open(_look(self._place))

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if not self.locked and not self._closed:
            self._let_go()
            self.connection = sqlite3.connect(":memory:")  # so that a later use is refused
        self.connection.close()
        self._closed = True

    def _renew(self) -> None:
        """Bring what is read without locks up to date."""
        seen = _look(self._place)
        if seen != self._seen:
            self._let_go()
            self._open(seen)
        elif self._private is None:
            self.connection.execute("PRAGMA shrink_memory")  # drops the cached pages

    def _open(self, seen: Seen) -> None:
        if (self._writable or seen.log_size) and self._open_locked():
            return
        for _ in range(_TRIES):
            seen = _look(self._place)
            if self._open_copy(seen) if seen.log_size else self._open_still(seen):
                self._seen = seen
                return
            time.sleep(_TICK / 4e9)
        raise self._changing()

    def _open_locked(self) -> bool:
        """Open under SQLite's locks; False if the files that they need cannot be created."""
        mode = "rw" if self._writable else "ro"
        connection = _connected(f"{self._place.as_uri()}?mode={mode}", self._timeout)
        try:
            connection.execute("PRAGMA synchronous = FULL")  # a commit is on the disk
            connection.execute("PRAGMA cache_size = -16000")  # KiB
            connection.execute("PRAGMA wal_autocheckpoint = 4000")  # pages
            connection.execute("SELECT 1 FROM sqlite_schema").fetchone()  # opens the log
        except sqlite3.Error as error:
            connection.close()
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _NO_LOCKS:
                raise
            self.refusal = error
            return False
        self.connection, self.locked = connection, True
        return True

    def _open_still(self, seen: Seen) -> bool:
        """Read the file itself; False if a write might go unnoticed."""
        if not _is_quiet(seen.changed):
            return False
        self.connection = _unlocked(self._place, seen.file)
        return True

    def _open_copy(self, seen: Seen) -> bool:
        """Copy the file and its log, and read the copy; False if it may be of two moments."""
        if not _is_quiet(max(seen.changed, seen.log_changed)):
            return False
        from tempfile import TemporaryDirectory  # seldom needed, so not paid for at every start

        folder = TemporaryDirectory(dir=_room(seen.size + seen.log_size))
        copy = Path(folder.name, self._place.name)
        with suppress(FileNotFoundError):  # the log went away
            _copy(self._place, seen, copy)
        if _look(self._place) != seen:
            folder.cleanup()
            return False
        self.connection = _connected(f"{copy.as_uri()}?mode=rw", self._timeout)
        self.connection.execute("SELECT 1 FROM sqlite_schema").fetchone()  # opens all files
        if os.name == "posix":
            folder.cleanup()  # they go with the last descriptor, so a kill leaves nothing
        self._private = folder
        return True

    def _changing(self) -> BusyError:
        return BusyError(
            f"'{self._place}' was changed while it was read, and no locks can be taken here: try"
            " again."
        )

    def _let_go(self) -> None:
        """Give back what was opened without locks."""
        if self._private is not None:
            self.connection.close()
            self._private.cleanup()
            self._private = None
        elif self._seen is not None:
            _kept(self.connection, self._place, self._seen.file)
        self._seen = None


def _look(place: Path) -> Seen:
    """The state of the files now, with zeros for a missing one."""
    try:
        log = os.stat(f"{place}{LOG}")
        in_log = log.st_mtime_ns, log.st_size
    except OSError:
        in_log = 0, 0
    try:
        file = os.stat(place)
    except OSError:
        return Seen((0, 0), 0, 0, *in_log)
    return Seen((file.st_dev, file.st_ino), file.st_mtime_ns, file.st_size, *in_log)


def _is_quiet(changed: int) -> bool:
    """Whether the next write is sure to give another time than the last one did."""
    return not 0 <= time.time_ns() - changed < _TICK


def _connected(uri: str, timeout: float) -> sqlite3.Connection:
    """Connect, without touching the file yet."""
    return sqlite3.connect(
        uri, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False
    )


def _unlocked(place: Path, file: tuple[int, int]) -> sqlite3.Connection:
    """A connection without locks, one of those that were kept where there is one."""
    with _guard:
        kept = _idle.get(file, [])
        connection = kept.pop() if kept else None
    if connection is None:
        return _connected(f"{place.as_uri()}?immutable=1", 0)
    connection.execute("PRAGMA shrink_memory")
    return connection


def _kept(connection: sqlite3.Connection, place: Path, file: tuple[int, int]) -> None:
    """Keep a connection without locks for the next use, while the file is in its place."""
    if _look(place).file != file:
        connection.close()
        return
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    connection.execute("PRAGMA shrink_memory")
    with _guard:
        _idle.setdefault(file, []).append(connection)


def _copy(place: Path, seen: Seen, target: Path) -> None:
    """Copy a file and its log, the file through a descriptor that stays open."""
    import shutil

    with _guard, open(target, "wb") as copy:
        if seen.file not in _descriptors:
            _descriptors[seen.file] = os.open(place, os.O_RDONLY)
        os.lseek(_descriptors[seen.file], 0, os.SEEK_SET)
        while block := os.read(_descriptors[seen.file], _COPIED_AT_ONCE):
            copy.write(block)
    shutil.copyfile(f"{place}{LOG}", f"{target}{LOG}")


def _room(size: int) -> str:
    """A folder for temporary files with room for `size` bytes; on a full disk, in memory."""
    import shutil
    import tempfile

    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError:  # it tries to write there
        return _IN_MEMORY
    return folder if shutil.disk_usage(folder).free > 2 * size else _IN_MEMORY
