"""The newest state that this machine has seen of a gallery in a database.

A replica that lags behind, or a server that was restored from an older copy, is noticed by it. It
lies in the local cache, which is safe to delete: then the next state that is read is believed.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from threading import Lock

from index.errors import StoreError
from index.references.high_water import HighWater
from index.references.rows import State


class Seen(HighWater):
    """A mark that is held in memory too, and whose file may be missing or damaged.

    Args:
        path: Where the mark lies, without its ending.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._lock = Lock()
        self._newest: State | None = None
        with suppress(StoreError):
            self._newest = super().read()

    def read(self) -> State | None:
        """The newest state that was seen."""
        return self._newest

    def begin(self, state: State) -> None:
        """Nothing needs to be there before a change."""

    def write(self, state: State) -> None:
        """Note a state, if it is newer."""
        with self._lock:
            if self._newest is not None and state.generation <= self._newest.generation:
                return
            self._newest = state
            with suppress(OSError):
                super().write(state) if self.path.exists() else super().replace(state)

    def replace(self, state: State) -> None:
        """Take a state for the newest, whatever was seen before."""
        with self._lock:
            self._newest = state
            with suppress(OSError):
                super().replace(state)
