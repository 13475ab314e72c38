"""The references in SQLite: one file of a gallery's directory, and its high-water mark."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from index.errors import OlderStateError, StoreError
from index.references.contract import ReferenceStore
from index.references.copying import Progress, copy_rows, copy_state
from index.references.high_water import HighWater, older_state
from index.references.idle import Idle
from index.references.reads import Reads
from index.references.rows import State
from index.references.schema import FORMAT, TABLES
from index.references.state import first_statement
from index.storage.database import Database
from index.storage.drafts import sweep_files

_QUIET = 2.0  # seconds without a change, after which the log is brought into the file


class Store(ReferenceStore):
    """An open SQLite file.

    Args:
        path: The file.
        timeout: Seconds to wait for another process's change.
        accept_older: Whether to read it although a later state was acknowledged.

    Example:
        >>> import tempfile
        >>> from index.references.rows import NewRow
        >>> path = Path(tempfile.mkdtemp(), "references.sqlite")
        >>> Store.create(path)
        >>> store = Store(path)
        >>> change = store.add([NewRow("a", "cat", None, None, b"1234", None)])
        >>> store.state().count, [row.label for row in store.rows()]
        (1, ['cat'])
        >>> store.close()
    """

    path: Path
    gallery: Path
    _database: Database

    def __init__(self, path: Path, *, timeout: float = 10.0, accept_older: bool = False) -> None:
        self.path, self.gallery = path, path.parent
        self._guarded = not accept_older
        self._idle = Idle(_QUIET, self._checkpoint_if_free)
        high_water = HighWater(path)
        acknowledged = high_water.read() if self._guarded else None
        super().__init__(Database(path, TABLES, FORMAT, timeout), high_water)
        self.before_first_change = lambda store: sweep_files(path.parent)
        try:
            with self.reading() as state:
                if acknowledged is not None:
                    self._require_reached(state, acknowledged)
                self._require_sound_count(state)
        except BaseException:
            self._database.close()
            raise

    @classmethod
    def create(cls, path: Path) -> None:
        """Create an empty store at an unused path."""
        Database.create(path, [*TABLES, first_statement()], FORMAT)
        HighWater(path).replace(State())

    @classmethod
    def copy_of(cls, source: Reads, path: Path, progress: Progress) -> None:
        """Make a file that holds one snapshot of another store.

        Args:
            source: The other store, within a snapshot.
            path: The file to make, or what an attempt that was cut off left of it.
            progress: Called with the number of further rows that are there.
        """
        database = _begun(path)
        try:
            copy_rows(source, database, progress)
            with database.change():
                state = copy_state(source, database)
            database.checkpoint()
        finally:
            database.close()
        HighWater(path).replace(state)

    @property
    def keeps_derived(self) -> bool:
        """Whether this user may write the directory."""
        return self.writable

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._idle.stop()
        super().close()

    def copy_to(self, path: Path) -> None:
        """Write a copy of the snapshot held by `reading` to an unused path."""
        with self.reading() as state:
            self._database.copy_to(path)
            HighWater(path).replace(state)

    def older_state(self, state: State, proof: str) -> OlderStateError:
        """The error that says that the file is older than what was acknowledged.

        Args:
            state: Its state.
            proof: What shows that there was a later state.
        """
        return older_state(self.path, state, proof)

    # ------------------------------------------------------------ inside

    def _acknowledged(self) -> State | None:
        """The mark, where SQLite's locks do not make each snapshot one of the newest state."""
        return None if self._database.locked or not self._guarded else self.high_water.read()

    def _changed(self) -> None:
        self._idle.touch()

    def _settle(self) -> None:
        """Bring the log into the file, and the high-water mark to the disk."""
        if self._writer is not None:
            self._writer._database.checkpoint()
            self.high_water.sync()

    def _checkpoint_if_free(self) -> None:
        if self._changing.acquire(blocking=False):  # else a change is under way, which touches anew
            try:
                self._settle()
            finally:
                self._changing.release()


def _begun(path: Path) -> Database:
    """Open the file that an earlier attempt left; an empty one where it cannot be used."""
    with suppress(StoreError):
        return Database(path, TABLES, FORMAT, timeout=0)
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    Database.create(path, [*TABLES, first_statement()], FORMAT)
    return Database(path, TABLES, FORMAT, timeout=0)
