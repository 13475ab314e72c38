"""Groups whose labels an earlier version stored in another spelling than today's.

Almost no gallery has any. So each addition looks at the labels of new rows alone; the names of all
rows are read only where one was found.
"""

from __future__ import annotations

from index.references.contract import ReferenceStore
from index.references.rows import State
from index.search.names import Names
from likewise.names import normal


class OldSpellings:
    """The older spellings among the labels of a gallery; the caller holds the store's lock.

    Args:
        store: The references.
        names: Their names.
    """

    def __init__(self, store: ReferenceStore, names: Names) -> None:
        self._store = store
        self._names = names
        self._slot = 0  # the last whose label was looked at
        self._any = False

    def of(self, state: State) -> dict[str, str]:
        """Labels that are stored in another spelling alone, by today's spelling.

        Args:
            state: The snapshot that the caller holds.
        """
        if not self._any and self._slot != state.last_slot:
            begun = 0 < self._slot < state.last_slot  # else never, or an older state was accepted
            known = None if begun else self._names.known(state)
            if known is None:
                labels = self._store.labels(after=self._slot if begun else 0)
            else:
                labels = known.labels.unusual()
            self._any = any(normal(label) != label for label in labels)
            self._slot = state.last_slot
        return dict(self._names.of(state).old_spellings) if self._any else {}
