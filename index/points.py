"""The operating points of a gallery: named thresholds, and the evidence that belongs to them.

They lie in `gallery.json`; one that another process has stored is used from the next call on. Does
not choose thresholds (`calibration`) and does not decide (`decision`).
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from index.errors import GalleryError
from index.evidence import (
    EVIDENCE,
    PICTURES,
    drop_evidence,
    p_values,
    read_evidence,
    write_evidence,
)
from index.operating import Rule, outdated
from index.references.local import Store
from index.storage.directory import DEFAULT_POINT, Manifest
from likewise.arrays import Doubles, Floats
from likewise.metrics.limits import Limits


class OperatingPoints:
    """What a gallery knows of its thresholds.

    Args:
        path: The gallery's directory.
        manifest: Its `gallery.json`.
        store: Its references: they say how large it is, and let one writer in at a time.
    """

    def __init__(self, path: Path, manifest: Manifest, store: Store) -> None:
        self.path = path
        self._manifest = manifest
        self._store = store
        self._evidence: tuple[str, Floats] | None = None  # the last that was asked for
        self._lock = threading.RLock()  # for whatever is read, never held while another writes
        self._writing = threading.Lock()
        self._writer: Store | None = None  # what changes are made by
        self._reader: int | None = None  # the thread that holds a snapshot

    def require_in_place(self) -> None:
        """Refuse a gallery that was moved, removed or replaced, as all questions and changes do.

        Raises:
            ReplacedError: If it is no longer what lies at its path.
        """
        self._store.require_in_place()

    @property
    def operating_points(self) -> dict[str, dict[str, Any]]:
        """Named thresholds, `{"eer": {"threshold": 0.61, ...}}`, as they are now."""
        return _points(self._fields())

    @property
    def default_point(self) -> str | None:
        """The operating point that is used where none is named; None if the gallery has none.

        The one calibrated last, else the one called `default`, else the first.
        """
        return _default(self._fields())

    @property
    def default_threshold(self) -> float:
        """The threshold of the default operating point.

        Raises:
            GalleryError: If the gallery has no operating point.
        """
        return self.rule().limits.threshold

    def point(self, name: str | None = None) -> tuple[str, dict[str, Any]]:
        """An operating point, the default one when None, with its name.

        Raises:
            GalleryError: If the gallery has no such point, or none at all.
        """
        fields = self._fields()
        points, chosen = _points(fields), _default(fields) if name is None else name
        if chosen is None:
            raise GalleryError(
                f"Gallery '{self.path}' has no operating point yet: give a threshold."
            )
        if chosen not in points:
            known = ", ".join(points) or "none"
            raise GalleryError(
                f"Gallery '{self.path}' has no operating point '{chosen}'. It has: {known}."
            )
        return chosen, points[chosen]

    def rule(
        self,
        at: str | None = None,
        *,
        threshold: float | None = None,
        min_margin: float | None = None,
    ) -> Rule:
        """What `check` with these arguments decides by.

        Raises:
            ValueError: If an operating point and a threshold are given.
            GalleryError: If the gallery has no such operating point, or none at all.
        """
        if threshold is None:
            return Rule.of(*self.point(at), min_margin)
        if at is not None:
            raise ValueError(
                f"Give a threshold or an operating point, not both. Received: {threshold}, {at!r}."
            )
        return Rule(Limits(threshold), min_margin, None)

    def outdated(self, name: str | None = None) -> str | None:
        """Say in one sentence if the gallery has changed since a point was calibrated."""
        with self._lock:
            state = self._store.state()
        return outdated(*self.point(name), state.count, state.generation)

    def store_point(
        self,
        name: str,
        point: Mapping[str, Any],
        *,
        unknown: Floats | None = None,
        contents: Collection[bytes] | None = None,
        default: bool = True,
    ) -> None:
        """Store a named operating point, on disk when this returns; an older one is replaced.

        Other processes that have the gallery open use it from their next call on.

        Args:
            name: Not empty.
            point: `threshold` with whatever belongs to it, as `calibration` gives it; plain JSON.
            unknown: Distances from non-mated queries to their nearest references, `(n,)`, float32:
                the evidence that `check` can give.
            contents: Content hashes of the pictures asked, 16 bytes each: see `calibrated_on`.
            default: Whether it is used from now on where no point is named.

        Raises:
            ValueError: If the name is empty or the point unusable.
            StoreError: If the gallery is read-only, or another process keeps writing.
            OSError: If a file cannot be written.
        """
        if not name.strip():
            raise ValueError("The name of an operating point must not be empty.")
        fields = dict(point)
        with self._changing() as store, store.writing():
            if unknown is not None:
                distances = np.sort(unknown).astype("<f4")
                fields[EVIDENCE] = write_evidence(self.path, EVIDENCE, distances)
            if contents is not None:
                hashes = np.frombuffer(b"".join(sorted(contents)), np.uint8).reshape(-1, 16)
                fields[PICTURES] = write_evidence(self.path, PICTURES, hashes)
            with self._lock:
                self._manifest.store_point(name, fields, default=default)
                drop_evidence(self.path, keep=self.operating_points.values())

    def calibrated_on(self, name: str | None = None) -> set[bytes]:
        """Content hashes of the pictures that an operating point was calibrated with.

        Empty for a point that was not calibrated here. A threshold must not be judged by the
        pictures that chose it.

        Raises:
            GalleryError: If the gallery has no such point.
            StoreError: If the file is missing or altered.
        """
        _, point = self.point(name)
        if PICTURES not in point:
            return set()
        return set(map(bytes, read_evidence(self.path, PICTURES, point[PICTURES])))

    def p_values(self, distances: Floats, at: str | None = None) -> Doubles:
        """Give the share of a calibration's unknowns that come at least as close; see `evidence`.

        Args:
            distances: From queries to their nearest references, any shape, float32.
            at: The operating point that was calibrated; None takes `default_point`.

        Raises:
            GalleryError: If there is no such point, or it was not calibrated.
            StoreError: If the file of the evidence is missing or altered.
        """
        name, point = self.point(at)
        if EVIDENCE not in point:
            raise GalleryError(
                f"Operating point '{name}' of gallery '{self.path}' has no evidence: it was not "
                "calibrated with this gallery. Calibrate it, or ask without evidence."
            )
        with self._lock:
            if self._evidence is None or self._evidence[0] != point[EVIDENCE]:
                unknown = read_evidence(self.path, EVIDENCE, point[EVIDENCE])
                self._evidence = point[EVIDENCE], unknown.astype(np.float32)
            return p_values(self._evidence[1], distances)

    @contextmanager
    def _changing(self) -> Iterator[Store]:
        """Be the one thread that changes the gallery; others read on, even while this one waits."""
        self._require_no_snapshot("changed")
        with self._writing:
            if self._writer is None:
                with self._lock:
                    self._writer = self._store.another()
            yield self._writer

    def _require_no_snapshot(self, done: str) -> None:
        """Refuse what waits for writers, who may wait for the end of this thread's snapshot."""
        if self._reader == threading.get_ident():
            raise GalleryError(
                f"Gallery '{self.path}' cannot be {done} within a snapshot of it: leave it first."
            )

    def _fields(self) -> dict[str, Any]:
        """What `gallery.json` says now."""
        self.require_in_place()
        return self._manifest.current()


def _points(fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    points: dict[str, dict[str, Any]] = fields["operating_points"]
    return points


def _default(fields: Mapping[str, Any]) -> str | None:
    points = _points(fields)
    chosen = fields.get(DEFAULT_POINT, "default")
    return chosen if chosen in points else next(iter(points), None)
