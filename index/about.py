"""What a gallery says of itself: its model, notes, sizes, and how its owner has it searched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from index.documents import NOTES
from index.questions import Questions
from index.search.setting import SearchSetting

if TYPE_CHECKING:
    from index.search.promise import Promise


class About(Questions):
    """The gallery's own description, and what of it can be set."""

    @property
    def model_path(self) -> Path:
        """Directory of the copy of the embedder."""
        return self._documents.model_path

    @property
    def identity(self) -> str:
        """A text by which another process recognises the gallery."""
        return str(self.place.resolve() if isinstance(self.place, Path) else self.place)

    def sizes(self) -> dict[str, int]:
        """Bytes of each part of the gallery, by its name."""
        return self._documents.sizes()

    @property
    def notes(self) -> dict[str, str]:
        """Sentences about the gallery by what they are about, such as why it has its model."""
        return dict(self._documents.current().get(NOTES, {}))

    def note(self, name: str, sentence: str) -> None:
        """Store a sentence about the gallery, durably; an older one of this name is replaced.

        Args:
            name: What it is about.
            sentence: The sentence.

        Raises:
            GalleryError: Inside a snapshot.
            StoreError: If the gallery is read-only, or another process keeps writing.
            OSError: If the file cannot be written.
        """
        with self._store.changing() as store, store.writing(), store.lock:
            self._documents.store_note(store, name, sentence)

    def choose_search(self, setting: SearchSetting) -> Promise | None:
        """Store how the gallery is searched, durably, for every process that opens it.

        An approximate search is made and measured now: a minute for a million references.

        Args:
            setting: How from now on.

        Returns:
            What the approximate search promises; its `effort` is None where nothing was found to
            keep the promise, so that search stays exact. None for a setting of exact search.

        Raises:
            GalleryError: Inside a snapshot.
            StoreError: If the gallery is read-only, or another process keeps writing.
            OSError: If a file cannot be written.
        """
        with self._store.changing() as store, store.writing():
            pass  # refuse what cannot be written before a minute's work
        with self._index.reading() as index:
            promise = index.choose(setting)
        with self._store.changing() as store, store.writing(), store.lock:
            self._documents.store_search(store, setting)
        return promise
