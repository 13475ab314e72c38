"""Gallery: enrolled references in a directory or a database, searched exactly by default.

A directory: `gallery.json` (format, dim, fingerprint, operating points), `model/` (a copy of the
embedder that made the vectors), `references.sqlite` (the truth) and `references.mark`, `vectors.*`
(derived from it), `evidence-….npy` and `pictures-….npy` (left by calibrations). In PostgreSQL these
are tables, and a local cache holds what is derived (`index.postgres`).

Does not make vectors and does not choose thresholds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from index.about import About
from index.address import Address, Place, place_of
from index.arguments import checked_strings, new_rows
from index.contents import as_asked, spellings
from index.documents import Documents
from index.errors import OlderStateError, ReplacedError, UnreachableError
from index.manifest import Manifest
from index.operating_point import OperatingPoint, points_to_json
from index.points import OperatingPoints
from index.recovery import open_store
from index.references.contract import ReferenceStore
from index.references.rows import Reference, Row
from index.search.checked import checked_vectors
from index.search.local import LocalSearcher
from index.search.searcher import Searcher
from index.storage.directory import created, fill_directory, first_manifest
from likewise.arrays import Floats, Pixels

if TYPE_CHECKING:
    from index.parts.contract import Parts


class Gallery(About):
    """Named, labelled vectors on disk, searched. Made by `create` or `open`.

    One process may change a gallery at a time and any number may read it; each sees complete
    changes, from its next call on. Threads may share a gallery. Every call raises `StoreError` if a
    file was altered, and `ReplacedError` once the directory was moved, removed or replaced.

    Attributes:
        place: Where it is: its directory, or its address in a database.
        path: Its directory; of a gallery in a database, that of its local copies.
        dim: Length of the vectors.
        fingerprint: Fingerprint of the embedder that makes the vectors.
        points: Operating points: named thresholds.

    Example:
        >>> import tempfile
        >>> from index.decision import CheckOptions
        >>> folder = tempfile.TemporaryDirectory()
        >>> with Gallery.create(Path(folder.name, "pets"), dim=2, fingerprint="3f9a") as gallery:
        ...     gallery.add(["a", "b"], np.eye(2, dtype=np.float32), ["cat", "dog"])
        ...     query = np.array([[1, 0.25]], dtype=np.float32)
        ...     [answer] = gallery.check(query, CheckOptions(k=2, threshold=0.5))
        >>> answer.decision, answer.label, answer.distance, answer.runner_up_label
        ('match', 'cat', 0.25, 'dog')
        >>> folder.cleanup()
    """

    def __init__(self, place: Place, documents: Documents, store: ReferenceStore) -> None:
        self.place = place
        self.path = documents.directory
        self.dim: int = documents.current()["dim"]
        self.fingerprint: str = documents.current()["fingerprint"]
        self.points = OperatingPoints(documents, store)
        self._documents = documents
        self._store = store
        self._index = LocalSearcher(
            documents.directory, self.dim, store, lambda: self.search_setting
        )
        self._searcher: Searcher = self._index

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str] | Address,
        *,
        dim: int,
        fingerprint: str,
        operating_points: Mapping[str, OperatingPoint] | None = None,
        model: Path | None = None,
    ) -> Gallery:
        """Create an empty gallery, atomically.

        Args:
            path: Its directory, or the address of a gallery in PostgreSQL,
                `postgresql://host/database#name`; must not exist.
            dim: Length of the vectors, >= 1.
            fingerprint: Fingerprint of the embedder that will make the vectors.
            operating_points: Operating points: named thresholds.
            model: Directory of the embedder, copied to `model_path`.

        Raises:
            GalleryError: If `path` exists already.
            ValueError: If `dim` is less than 1, or a field of a point is not of its type.
            OSError: If the directory cannot be written.
        """
        points = points_to_json(operating_points or {})
        if isinstance(dim, bool) or not isinstance(dim, int) or dim < 1:
            raise ValueError(f"`dim` must be a whole number >= 1. Received: {dim!r}.")
        place = place_of(path)
        if isinstance(place, Address):
            from index.postgres.making import create, model_files  # its driver is an extra

            files = {} if model is None else model_files(model)
            create(place, first_manifest(dim, fingerprint, points), files)
        else:
            with created(place) as staging:
                fill_directory(staging, dim, fingerprint, points, model)
        return cls.open(place)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str] | Address,
        *,
        fingerprint: str | None = None,
        timeout: float = 10.0,
    ) -> Gallery:
        """Open a gallery.

        Args:
            path: Its directory or address.
            fingerprint: Fingerprint of the embedder that will make the queries; None skips the
                check.
            timeout: Seconds to wait for another process that is changing the gallery.

        Raises:
            GalleryError: If `path` is not a gallery.
            StoreError: If a file of it is missing or altered; the text names the file.
            FingerprintError: If the vectors come from another embedder.
        """
        place = place_of(path)
        if isinstance(place, Address):
            from index.postgres.opening import opened

            documents, store = opened(place, timeout=timeout, fingerprint=fingerprint)
            return cls(place, documents, store)
        manifest = Manifest(place)
        if fingerprint is not None:
            manifest.require_fingerprint(fingerprint)
        return cls(place, manifest, open_store(place, timeout=timeout))

    def close(self) -> None:
        """Write the derived index if it is behind, and close the files.

        Raises:
            GalleryError: Inside a snapshot, which needs the files.
        """
        with self._store.alone():
            try:
                with suppress(ReplacedError, OlderStateError, UnreachableError):  # then unsaved
                    self._store.require_in_place()
                    self._index.save()
            finally:
                self._searcher.close()
                self._index.forget()
                self._store.close()

    def discard(self) -> None:
        """Close the gallery and remove it; what cannot be removed is left."""
        self.close()
        self._documents.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def generation(self) -> int:
        """A number that grows with every change."""
        return self._store.state().generation

    @property
    def checksum(self) -> str:
        """Over all references: the same for copies of a gallery, wherever they are."""
        state = self._store.state()
        return f"{state.count}-{state.total % 2**64:016x}"

    @contextmanager
    def snapshot(self) -> Iterator[int]:
        """Let all queries of this thread see the same state; yields its generation.

        Inside it, the gallery can be neither changed nor closed.
        """
        with self._store.reading() as state:
            yield state.generation

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Keep all others, threads and processes, from changing the gallery in the block.

        Raises:
            GalleryError: Inside a snapshot; or if the gallery cannot be written.
        """
        with self._store.changing() as store, store.writing():
            yield

    def parts(self) -> tuple[Documents, ReferenceStore]:
        """Documents and references, to be copied as they are."""
        return self._documents, self._store

    def warm(self, *, ahead: bool = False) -> None:
        """Load the vectors now rather than at the first search; with `ahead`, in a thread."""
        self._searcher.load(ahead=ahead)

    def spread(self, parts: Parts) -> None:
        """Let parts elsewhere hold the vectors and search them from now on, until it is closed.

        Answers stay the same to the bit. Search is exact, whatever the owner chose.

        Args:
            parts: Those of this gallery, closed with it.
        """
        from index.parts.spread import Spread  # its users alone need it

        self._searcher = Spread(self._store, self._index.names, parts, self.dim)

    def add(
        self,
        ids: Sequence[str],
        vectors: Floats,
        labels: Sequence[str | None],
        *,
        metadata: Sequence[Mapping[str, Any] | None] | None = None,
        pictures: Pixels | Sequence[Pixels | None] | None = None,
        contents: Sequence[bytes | None] | None = None,
        choose: Callable[[Mapping[str, Reference]], Iterable[str]] | None = None,
        asked: Iterable[str] = (),
    ) -> None:
        """Add n references in one transaction, on disk when this returns.

        An existing id is replaced; if an id occurs twice, the last one counts.

        Args:
            ids: n names.
            vectors: `(n, dim)`, float32, finite.
            labels: n groups, None for a reference without one.
            metadata: n JSON objects, or None.
            pictures: uint8 `(n, h, w)` or `(n, h, w, c)`, or n pictures of any shapes, or None.
            contents: n hashes of the pictures, for `vectors_of`, or None.
            choose: Called within the transaction with the references that have these ids now, in
                any spelling, as `named` returns them; names those ids that are to be stored. What
                it raises leaves everything as it was.
            asked: Further ids whose references `choose` is called with.

        Raises:
            ValueError: If a length, shape, type or value is wrong.
            StoreError: If the store cannot be changed; then nothing was changed.
        """
        checked = checked_vectors(vectors, self.dim)
        rows = new_rows(ids, checked, labels, metadata, pictures, contents)
        last = {row.id: place for place, row in enumerate(rows)}
        if not rows:
            return

        every = {} if choose is None else spellings([*last, *checked_strings("asked", [*asked])])

        def chosen(old: Sequence[Row]) -> Iterable[str]:
            nonlocal last
            if choose is not None:
                now = {id: self._reference(row) for id, row in as_asked(every, old).items()}
                wanted = set(choose(now))
                last = {id: place for id, place in last.items() if id in wanted}
            return last

        with self._store.changing() as store:
            also = list(chain(*every.values()))
            change = store.add([rows[place] for place in last.values()], chosen, also)
            if last:
                places = list(last.values())
                self._searcher.apply(change, checked[places], [rows[place] for place in places])

    def remove(self, ids: Sequence[str]) -> int:
        """Remove references in one transaction; returns how many of the ids existed."""
        with self._store.changing() as store:
            change = store.remove(self._spelled(ids))
            if change.removed:
                self._searcher.apply(change, np.empty((0, self.dim), np.float32), [])
        return len(change.removed)
