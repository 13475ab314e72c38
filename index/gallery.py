"""Gallery: the enrolled references in a directory, to be searched and asked.

A directory: `gallery.json` (format, dim, fingerprint, operating points), `model/` (whatever made
the vectors, copied in and left alone), `references.sqlite` (the truth), `vectors.faiss` with
`vectors.json` (derived from it), `evidence-….npy` and `pictures-….npy` (what a calibration saw).

Does not make vectors, does not choose thresholds and does not search approximately.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from index.arguments import check_k, checked_strings, checked_vectors, new_rows
from index.decision import Decision, Neighbour, Neighbours, decide, for_group, neighbour_list
from index.errors import FingerprintError, ReferenceNotFoundError, ReplacedError, StoreError
from index.evidence import KINDS, read_evidence
from index.points import OperatingPoints
from index.references.local import Change, State, Store
from index.references.names import Names
from index.search.by_group import NONE, nearest_by_group
from index.search.derived import DerivedIndex
from index.search.exact import Vectors
from index.storage.directory import MODEL, STORE, Manifest, create_directory, read_manifest
from index.storage.reference import Reference, Row
from likewise.arrays import Floats, Indices, Pixels, Strings
from likewise.metrics.groups import rows_by_group


class Gallery(OperatingPoints):
    """Named, labelled vectors on disk, searched exactly. Made by `create` or `open`.

    One process may change a gallery at a time, any number may read it; each sees whole changes,
    at its next call. A gallery may be shared between threads. Once its directory was moved, removed
    or replaced, every question and change is refused by `ReplacedError`.

    Attributes:
        path: The directory.
        dim: Length of the vectors.
        fingerprint: Of the embedder that makes the vectors.

    Example:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> points = {"eer": {"threshold": 0.5}}
        >>> with Gallery.create(
        ...     Path(folder.name, "pets"), dim=2, fingerprint="3f9a1c", operating_points=points
        ... ) as gallery:
        ...     gallery.add(["a", "b"], np.eye(2, dtype=np.float32), ["cat", "dog"])
        ...     [answer] = gallery.check(np.array([[1, 0.25]], dtype=np.float32), k=2)
        >>> answer.decision, answer.label, answer.distance, answer.runner_up_label
        ('match', 'cat', 0.25, 'dog')
        >>> folder.cleanup()
    """

    def __init__(self, path: Path, manifest: Manifest, store: Store) -> None:
        super().__init__(path, manifest, store)
        self.dim: int = manifest.current()["dim"]
        self.fingerprint: str = manifest.current()["fingerprint"]
        self._names = Names(store)
        self._index: DerivedIndex | None = None
        self._coming: Future[DerivedIndex] | None = None
        self._groups: dict[str, tuple[Indices, Vectors]] = {}
        self._grouped: Indices | None = None  # the slots that `_groups` is of
        self._changed = False

    # ------------------------------------------------------------ opening

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        *,
        dim: int,
        fingerprint: str,
        operating_points: Mapping[str, Mapping[str, Any]] | None = None,
        model: Path | None = None,
    ) -> Gallery:
        """Make an empty gallery where nothing is yet: the whole directory or nothing of it.

        Args:
            path: Where; must not exist.
            dim: Length of the vectors, >= 1.
            fingerprint: Of the embedder that will make the vectors.
            operating_points: Named thresholds with whatever belongs to them; plain JSON.
            model: A directory to be copied in as `model_path`.

        Raises:
            GalleryError: If `path` exists already.
            ValueError: If `dim` or an operating point is unusable.
            OSError: If the directory cannot be written.
        """
        create_directory(Path(path), dim, fingerprint, operating_points or {}, model)
        return cls.open(path)

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], *, fingerprint: str | None = None, timeout: float = 10.0
    ) -> Gallery:
        """Open a gallery.

        Args:
            path: Its directory.
            fingerprint: Of the embedder that will make the queries; None asks no question.
            timeout: Seconds to wait for another process that is changing the gallery.

        Raises:
            GalleryError: If `path` is no gallery.
            StoreError: If a file of it is missing or altered; the text names the file.
            FingerprintError: If the vectors come from another embedder.
        """
        path = Path(path)
        manifest = Manifest(path)
        built_with = manifest.current()["fingerprint"]
        if fingerprint is not None and fingerprint != built_with:
            raise FingerprintError(
                f"Gallery '{path}' was built with model {built_with}, but this model"
                f" is {fingerprint}: use the gallery's own model or build the gallery again."
            )
        return cls(path, manifest, Store(path / STORE, timeout=timeout))

    def close(self) -> None:
        """Write the derived index if it is behind, and close the files.

        Raises:
            GalleryError: Within a snapshot, which needs them.
        """
        self._require_no_snapshot("closed")
        with self._writing, self._lock:
            try:
                self._save()
            finally:
                self._changed, self._index, self._coming = False, None, None
                self._groups.clear()
                if self._writer is not None:
                    self._writer.close()
                    self._writer = None
                self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ------------------------------------------------------------ what it holds

    @property
    def model_path(self) -> Path:
        """Where the copy of the embedder lies."""
        return self.path / MODEL

    @property
    def generation(self) -> int:
        """A number that grows with every change."""
        return self._state().generation

    @property
    def labels(self) -> dict[str, int]:
        """How many references each group has, labels in order."""
        with self._lock, self._store.reading():
            return dict(sorted(Counter(row.label for row in self._all_rows()).items()))

    @contextmanager
    def snapshot(self) -> Iterator[int]:
        """All questions that this thread asks in the block see the same changes: its generation.

        Within it, it can be neither changed nor closed.
        """
        with self._lock, self._store.reading() as state:
            outer, self._reader = self._reader, threading.get_ident()
            try:
                yield state.generation
            finally:
                self._reader = outer

    def __len__(self) -> int:
        return self._state().count

    def __contains__(self, id: object) -> bool:
        if not isinstance(id, str):
            return False
        with self._lock:
            return bool(self._store.named(checked_strings("id", [id])))

    def ids(self, label: str | None = None) -> Iterator[str]:
        """All ids, or those of one group, in the order in which they were added."""
        with self._lock, self._store.reading():
            rows = self._all_rows()
            return iter([row.id for row in rows if label is None or row.label == label])

    def groups(self) -> dict[str, int]:
        """The same as `labels`, at once from the second call on, until the gallery changes."""
        with self._searching():
            return {label: len(rows) for label, rows in self._names.groups().items()}

    def count_groups(self) -> int:
        """How many groups there are, in a fifteenth of the time that it takes to read them."""
        with self._lock, self._store.reading():
            return self._store.count_labels()

    def samples(self, label: str, count: int) -> list[str]:
        """Ids of up to `count` references of a group, spread over it, oldest first."""
        with self._searching():
            rows = self._names.rows_with(label)
            chosen = np.linspace(
                0, len(rows), min(count, len(rows)), endpoint=False, dtype=np.int64
            )
            ids: list[str] = self._names.ids(rows[chosen]).tolist()
            return ids

    def page(
        self, *, limit: int, after: int = 0, label: str | None = None
    ) -> tuple[list[tuple[str, str]], int | None]:
        """Ids and labels of some references, in the order in which they were added.

        What is added or removed meanwhile moves nothing else to another page.

        Args:
            limit: How many at most, >= 1.
            after: What the page before gave; 0 for the first.
            label: Of this group only.

        Returns:
            Pairs of id and label, and what to give as `after` for those that follow, None after
            the last.

        Example:
            >>> import tempfile
            >>> folder = tempfile.TemporaryDirectory()
            >>> with Gallery.create(Path(folder.name, "p"), dim=2, fingerprint="3f9a1c") as gallery:
            ...     gallery.add(["b", "a"], np.eye(2, dtype=np.float32), ["cat", "dog"])
            ...     gallery.page(limit=1), gallery.page(limit=1, after=1)
            (([('b', 'cat')], 1), ([('a', 'dog')], None))
            >>> folder.cleanup()
        """
        with self._searching() as index:
            every = np.arange(len(index.slots)) if label is None else self._names.rows_with(label)
            left = every[index.slots[every] > after]
            rows = left[:limit]
            ids, labels = self._names.ids(rows).tolist(), self._names.labels(rows).tolist()
            last = int(index.slots[rows[-1]]) if len(left) > limit else None
            return list(zip(ids, labels, strict=True)), last

    def named(self, ids: Sequence[str]) -> dict[str, Reference]:
        """Those of these ids that are there, without their pictures."""
        with self._lock:
            rows = self._store.named(checked_strings("ids", ids))
        return {row.id: row.reference(None) for row in rows}

    def get(self, id: str) -> Reference:
        """The reference with this id.

        Raises:
            ReferenceNotFoundError: If there is none; also a KeyError.
        """
        with self._lock, self._store.reading():
            for row in self._store.named(checked_strings("id", [id])):
                return row.reference(self._store.picture(row))
        raise ReferenceNotFoundError(f"Gallery '{self.path}' has no reference '{id}'.")

    def references(self) -> tuple[Strings, Strings, Floats]:
        """Ids `(n,)`, labels `(n,)` and vectors `(n, dim)` of all references, oldest first."""
        with self._searching() as index:
            rows = np.arange(len(index.vectors))
            return self._names.ids(rows), self._names.labels(rows), index.vectors.stored.copy()

    def stored(self) -> tuple[Strings, Strings, Floats]:
        """The same, read from the store itself, each row proven: what searches are held against."""
        with self._lock, self._store.reading():
            rows = self._all_rows()
        vectors = np.frombuffer(b"".join(row.vector for row in rows), "<f4").astype(np.float32)
        names = np.array([(row.id, row.label) for row in rows], object).reshape(-1, 2)
        return names[:, 0], names[:, 1], vectors.reshape(-1, self.dim)

    def vectors_of(self, contents: Sequence[bytes]) -> dict[bytes, Floats]:
        """Vectors, `(dim,)` float32, of those pictures that were embedded before."""
        with self._lock:
            rows = self._store.with_contents(list(dict.fromkeys(contents)))
        return {row.content: row.reference(None).vector for row in rows if row.content is not None}

    def unchanged(
        self, ids: Sequence[str], labels: Sequence[str], contents: Sequence[bytes]
    ) -> list[bool]:
        """Whether each id is there already with just this label and content."""
        with self._lock:
            rows = {row.id: row for row in self._store.named(checked_strings("ids", ids))}
        stored = ((row.label, row.content) if row else None for row in map(rows.get, ids))
        return [
            found == (label, content)
            for found, label, content in zip(stored, labels, contents, strict=True)
        ]

    def verify(self) -> None:
        """Prove every row, picture and file.

        Raises:
            StoreError: Naming the file that is altered and how.
        """
        fields = read_manifest(self.path)
        for point in fields["operating_points"].values():
            for kind in KINDS:
                if kind in point:
                    read_evidence(self.path, kind, point[kind])
        with self._lock:
            self._store.verify()
            self.warm()

    # ------------------------------------------------------------ changes

    def add(
        self,
        ids: Sequence[str],
        vectors: Floats,
        labels: Sequence[str],
        *,
        metadata: Sequence[Mapping[str, Any] | None] | None = None,
        pictures: Pixels | Sequence[Pixels | None] | None = None,
        contents: Sequence[bytes | None] | None = None,
    ) -> None:
        """Add n references in one transaction, on disk when this returns.

        An id that is there already is replaced; of an id given twice the last counts.

        Args:
            ids: n names.
            vectors: `(n, dim)`, float32, finite.
            labels: n groups.
            metadata: n JSON objects, or None.
            pictures: uint8 `(n, h, w)` or `(n, h, w, c)`, or n pictures of any shapes, or None.
            contents: n hashes of the pictures, for `vectors_of` and `unchanged`, or None.

        Raises:
            ValueError: If lengths, shapes, types or values do not fit.
            StoreError: If the store cannot be changed; then nothing was.
        """
        checked = checked_vectors(vectors, self.dim)
        rows = new_rows(ids, checked, labels, metadata, pictures, contents)
        last = list({row.id: place for place, row in enumerate(rows)}.values())
        if not rows:
            return
        with self._changing() as store:
            change = store.add([rows[place] for place in last])
            with self._lock:
                self._apply(change, checked[last])

    def remove(self, ids: Sequence[str]) -> int:
        """Remove references in one transaction.

        Returns:
            How many of the ids were there.

        Raises:
            StoreError: If the store cannot be changed; then nothing was.
        """
        with self._changing() as store:
            change = store.remove(checked_strings("ids", ids))
            if change.removed:
                with self._lock:
                    self._apply(change, np.empty((0, self.dim), np.float32))
        return len(change.removed)

    # ------------------------------------------------------------ questions

    def warm(self) -> None:
        """Load the vectors now, instead of at the first search.

        Raises:
            StoreError: If the store is altered.
        """
        with self._searching():
            pass

    def warm_ahead(self) -> None:
        """Begin to do so in a thread of its own; the first search waits for what is left of it."""
        with self._lock:
            if self._index is None and self._coming is None:
                pool = ThreadPoolExecutor(1, "warm")
                self._coming = pool.submit(DerivedIndex, self.path, self.dim)
                pool.shutdown(wait=False)

    def read_names(self, at_once: int = 4096) -> None:
        """Read all ids and labels now, some at a time, so that listing them need not wait.

        Others that ask meanwhile wait for no more than `at_once` rows.

        Raises:
            StoreError: If the store is altered.
        """
        for start in range(0, len(self), at_once):
            with self._searching() as index:
                self._names.ids(np.arange(start, min(start + at_once, len(index.slots))))

    def search(self, vectors: Floats, k: int, *, label: str | None = None) -> Neighbours:
        """Find the k nearest references of each query, exactly.

        Many queries at once are much cheaper than one by one: ask for thousands.

        Args:
            vectors: `(n, dim)`, float32, finite. Left unchanged.
            k: Neighbours per query, `1 <= k <= len(self)`.
            label: Search in this group only.

        Returns:
            ids, labels and distances, `(n, k)` each, nearest first, equal distances ordered by id.
            A distance is Euclidean; an identical vector's is exactly 0.0.

        Raises:
            ValueError: If `vectors` does not fit, or `k` is out of range.
            StoreError: If the store is altered.
        """
        queries = checked_vectors(vectors, self.dim)
        with self._searching() as index:
            rows, part = self._part(index, label)
            check_k(k, len(part), label)
            places, distances = part.nearest(queries, k, lambda found: self._ids(rows, found))
            found = places if rows is None else rows[places]
            return Neighbours(self._names.ids(found), self._names.labels(found), distances)

    def nearest_by_group(
        self, vectors: Floats, *, skip: Sequence[str | None] | None = None
    ) -> tuple[list[str], Floats]:
        """Find how near each query comes to each group, exactly, for about one search's price.

        Args:
            vectors: `(n, dim)`, float32, finite. Left unchanged.
            skip: For each query the id of a reference that is left out for it, or None: give the
                references' own ids to search each among all others.

        Returns:
            The g labels, in order, and the distance to the nearest reference of each, `(n, g)`,
            float32; inf where nothing is left of a group.

        Raises:
            ValueError: If `vectors` or `skip` does not fit, or an id is no reference's.
            StoreError: If the store is altered.

        Example:
            >>> import tempfile
            >>> folder = tempfile.TemporaryDirectory()
            >>> path = Path(folder.name, "pets")
            >>> with Gallery.create(path, dim=2, fingerprint="3f9a1c") as gallery:
            ...     gallery.add(["a", "b"], np.eye(2, dtype=np.float32), ["cat", "dog"])
            ...     query = np.array([[1, 0]], dtype=np.float32)
            ...     gallery.nearest_by_group(query), gallery.nearest_by_group(query, skip=["a"])
            ((['cat', 'dog'], array([[0. , 1.4142135]], dtype=float32)),
             (['cat', 'dog'], array([[ inf, 1.4142135]], dtype=float32)))
            >>> folder.cleanup()
        """
        queries = checked_vectors(vectors, self.dim)
        with self._searching() as index:
            every = np.arange(len(index.vectors))
            groups = rows_by_group(self._names.labels(every).tolist())
            left_out = None if skip is None else self._rows_named(every, skip, len(queries))
            return list(groups), nearest_by_group(index.vectors, groups, queries, left_out)

    def within(self, vectors: Floats, radius: float) -> list[list[Neighbour]]:
        """Find all references of each query whose distance is at most `radius`, nearest first.

        Raises:
            ValueError: If `vectors` does not fit, or `radius` is negative or not a number.
            StoreError: If the store is altered.
        """
        queries = checked_vectors(vectors, self.dim)
        if not radius >= 0:
            raise ValueError(f"`radius` must be a number >= 0. Received: {radius!r}.")
        with self._searching() as index:
            return [
                neighbour_list(
                    self._names.ids(rows).tolist(),
                    self._names.labels(rows).tolist(),
                    distances.tolist(),
                )
                for rows, distances in index.vectors.within(queries, radius, self._names.ids)
            ]

    def check(
        self,
        vectors: Floats,
        *,
        k: int = 5,
        threshold: float | None = None,
        min_margin: float | None = None,
        group: str | None = None,
        at: str | None = None,
        evidence: bool = False,
    ) -> list[Decision]:
        """Decide for each query which group it belongs to, if any; see `decide`.

        Args:
            vectors: `(n, dim)`, float32, finite.
            k: Neighbours that are looked at, `1 <= k <= len(self)`.
            threshold: Largest distance that is a match, for all groups; None takes that of `at`.
            min_margin: Least distance to the runner-up; a nearer one makes it `ambiguous`. None
                takes that of `at`, if it has one.
            group: Ask for this group only: `match` or `no_match`, with the distance to its nearest.
            at: The operating point, with its thresholds by group; None takes `default_point`.
            evidence: Give each decision its `p_value`.

        Raises:
            ValueError: If an argument does not fit, or no reference has the label `group`.
            GalleryError: If there is no such operating point, or no evidence with it.
            StoreError: If the store is altered.
        """
        rule = self.rule(at, threshold=threshold, min_margin=min_margin)
        groups = rule.limits.groups
        with self._lock, self._store.reading():
            found = self.search(vectors, k)
            answers = decide(
                found,
                rule.limits.threshold,
                min_margin=rule.min_margin,
                group_thresholds=groups,
            )
            if group is not None:
                nearest = self.search(vectors, 1, label=group).distances[:, 0].tolist()
                answers = [
                    for_group(answer, group, distance, groups.get(group, rule.limits.threshold))
                    for answer, distance in zip(answers, nearest, strict=True)
                ]
            if evidence:
                shares = self.p_values(found.distances[:, 0], at).tolist()
                answers = [
                    replace(answer, p_value=share)
                    for answer, share in zip(answers, shares, strict=True)
                ]
            return answers

    # ------------------------------------------------------------ inside

    def _state(self) -> State:
        with self._lock:
            return self._store.state()

    def _apply(self, change: Change, vectors: Floats) -> None:
        """Bring an own change into the index, so that `close` can leave it up to date."""
        self._changed = True
        index = self._loaded()
        index.apply(change, vectors)
        index.save(still_writing=True)

    def _save(self) -> None:
        with suppress(ReplacedError):  # then there is nothing to write it into
            self.require_in_place()
            if self._changed:
                self.warm()
            if self._index is not None and self._store.writable:
                self._index.save()

    @contextmanager
    def _searching(self) -> Iterator[DerivedIndex]:
        """The index as of one snapshot of the store, which is held meanwhile."""
        with self._lock, self._store.reading() as state:
            index = self._loaded()
            index.catch_up(self._store, state)
            if index.slots is not self._grouped:
                self._groups.clear()
                self._grouped = index.slots
            self._names.align(index.slots)
            yield index

    def _loaded(self) -> DerivedIndex:
        """The index as it was when its file was read, or as it is since."""
        if self._index is None:
            coming, self._coming = self._coming, None
            self._index = coming.result() if coming else DerivedIndex(self.path, self.dim)
        return self._index

    def _part(self, index: DerivedIndex, label: str | None) -> tuple[Indices | None, Vectors]:
        """What is to be searched: a group's rows and vectors, or None and everything."""
        if label is None:
            return None, index.vectors
        if label not in self._groups:
            rows = self._names.rows_with(label)
            if not len(rows):
                raise ValueError(f"No reference of gallery '{self.path}' has the label '{label}'.")
            self._groups[label] = rows, index.vectors.subset(rows)
        return self._groups[label]

    def _rows_named(self, every: Indices, ids: Sequence[str | None], count: int) -> Indices:
        """The row of each id, or `NONE`."""
        if len(ids) != count:
            raise ValueError(
                f"`skip` must have one entry for each of the {count} vectors. Received: {len(ids)}."
            )
        places = {id: row for row, id in enumerate(self._names.ids(every).tolist())}
        missing = [id for id in ids if id is not None and id not in places]
        if missing:
            raise ValueError(f"`skip` must name references. Received: {missing[0]!r}.")
        return np.array([NONE if id is None else places[id] for id in ids], np.int64)

    def _ids(self, rows: Indices | None, places: Indices) -> Strings:
        return self._names.ids(places if rows is None else rows[places])

    def _all_rows(self) -> list[Row]:
        rows = list(self._store.rows())
        if len(rows) != self._store.state().count:
            raise StoreError(f"'{self._store.path}' was altered: rows came or went.")
        return rows
