"""The operating points of a gallery: named thresholds.

A point that another process stores is visible from the next call on.
Does not choose thresholds (`likewise.calibration`) and does not decide (`decision`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import numpy as np

from index.decision import CheckOptions, Rule
from index.documents import DEFAULT_POINT, Documents, operating_points
from index.errors import GalleryError, StoreError, no_groups
from index.evidence import (
    EVIDENCE,
    PICTURES,
    Evidence,
)
from index.operating_point import OperatingPoint, points_to_json
from index.references.contract import ReferenceStore
from likewise.arrays import Floats
from likewise.metrics.limits import Limits

T = TypeVar("T")


class _Stored(NamedTuple):
    """One state of the manifest."""

    fields: dict[str, Any]
    points: dict[str, OperatingPoint]
    default: str | None


class OperatingPoints:
    """The named thresholds of a gallery.

    Args:
        documents: The gallery's documents.
        store: Its references, for their number and for the lock of the single writer.
    """

    def __init__(self, documents: Documents, store: ReferenceStore) -> None:
        self._documents = documents
        self._store = store
        self._stored: _Stored | None = None
        store.before_first_change = self._sweep
        self._evidence: Evidence | None = None  # the last one read

    def all(self) -> dict[str, OperatingPoint]:
        """All current points by name, oldest first."""
        return dict(self._read().points)

    @property
    def default(self) -> str | None:
        """Name of the default point; None if the gallery has none.

        It is the point calibrated last, else the one called `default`, else the first.
        """
        return self._read().default

    def __getitem__(self, name: str) -> OperatingPoint:
        return self.named(name)[1]

    def named(self, name: str | None = None) -> tuple[str, OperatingPoint]:
        """Get a point with its name; None gets the default one.

        Raises:
            GalleryError: If the gallery has no such point, or none at all.
        """
        stored = self._read()
        chosen = stored.default if name is None else name
        if chosen is None:
            self.require_groups()
            raise GalleryError(
                f"Gallery '{self._documents.gallery}' has no operating point yet: measure one "
                "with labelled pictures that are not in it (likewise calibrate), or give `check` a "
                "threshold. Its model brings none, and none could be measured when it was built."
            )
        if chosen not in stored.points:
            known = ", ".join(stored.points) or "none"
            raise GalleryError(
                f"Gallery '{self._documents.gallery}' has no operating point '{chosen}'. "
                f"It has: {known}."
            )
        return chosen, stored.points[chosen]

    def rule(self, options: CheckOptions = CheckOptions()) -> Rule:
        """Resolve check options against the current points.

        Raises:
            GalleryError: If there is no such operating point, none at all, or no evidence with it.
            StoreError: If the file of the evidence is missing or altered.
        """
        evidence = self.evidence(options.at) if options.evidence else None
        name, point = None, None
        if options.threshold is None:
            name, point = self.named(options.at)
            limits = Limits(float(point.threshold), point.group_thresholds)
        else:
            limits = Limits(float(options.threshold))
        margin = options.min_margin
        if margin is None and point is not None:
            margin = point.min_margin
        return Rule(limits, margin, options.group, name, evidence)

    def evidence(self, name: str | None = None) -> Evidence:
        """The evidence of a calibrated point; None takes the default one.

        Raises:
            GalleryError: If there is no such point, or it was not calibrated.
            StoreError: If the file is missing or altered.
        """

        def read(name: str, point: OperatingPoint) -> Evidence:
            if point.evidence is None:
                raise GalleryError(
                    f"Operating point '{name}' of gallery '{self._documents.gallery}' has no "
                    "evidence: it was not calibrated with this gallery. Calibrate it, or leave out "
                    "the evidence."
                )
            return self.evidence_named(point.evidence)

        return self._read_of(name, read)

    def outdated(self, name: str | None = None) -> str | None:
        """Describe in one sentence how the gallery changed since a point was calibrated, if so."""
        state = self._store.state()
        name, point = self.named(name)
        return point.outdated(name, state.count, state.generation)

    def evidence_named(self, name: str) -> Evidence:
        """The evidence of this name, as a point has it in its field `evidence`.

        Raises:
            StoreError: If the file is missing or altered.
        """
        evidence = self._evidence
        if evidence is None or evidence.name != name:
            unknown = self._documents.evidence(EVIDENCE, name)
            evidence = self._evidence = Evidence(name, unknown.astype(np.float32))
        return evidence

    def calibrated_on(self, name: str | None = None) -> set[bytes]:
        """Content hashes of the pictures that a point was calibrated with.

        Empty for a point that was not calibrated here. The pictures that chose a threshold must not
        judge it.

        Raises:
            GalleryError: If the gallery has no such point.
            StoreError: If the file is missing or altered.
        """

        def read(name: str, point: OperatingPoint) -> set[bytes]:
            if point.pictures is None:
                return set()
            return set(map(bytes, self._documents.evidence(PICTURES, point.pictures)))

        return self._read_of(name, read)

    def store(
        self,
        name: str,
        point: OperatingPoint,
        *,
        unknown: Floats | None = None,
        contents: Collection[bytes] | None = None,
        default: bool = True,
    ) -> None:
        """Store a named point, durably; an older one of this name is replaced.

        Other processes with the gallery open see it from their next call on.

        Args:
            name: Not empty.
            point: The calibrated point; the names of its files are added here.
            unknown: Distances from non-mated queries to their nearest references, `(n,)`, float32,
                for `evidence`.
            contents: Content hashes of the pictures, 16 bytes each, for `calibrated_on`.
            default: Whether it becomes the default point.

        Raises:
            ValueError: If the name is empty, or a field of the point is not of its type.
            GalleryError: Inside a snapshot.
            StoreError: If the gallery is read-only, or another process keeps writing.
            OSError: If a file cannot be written.
        """
        if not name.strip():
            raise ValueError("The name of an operating point must not be empty.")
        keep = self._documents.keep_evidence
        with self._store.changing() as store, store.writing():
            if unknown is not None:
                distances = np.sort(unknown).astype("<f4")
                point = replace(point, evidence=keep(store, EVIDENCE, distances))
            if contents is not None:
                hashes = np.frombuffer(b"".join(sorted(contents)), np.uint8).reshape(-1, 16)
                point = replace(point, pictures=keep(store, PICTURES, hashes))
            stored = points_to_json({name: point})[name]
            with self._store.lock:
                self._documents.store_point(store, name, stored, default=default)
                self._sweep(store)

    def verify(self) -> None:
        """Verify the manifest and the files that its points name.

        Raises:
            StoreError: If one is altered; the text names it.
        """
        points = self._documents.points()
        try:
            for point in points.values():
                for kind, name in point.files:
                    self._documents.evidence(kind, name)
        except StoreError:
            if self._documents.points() == points:
                raise
            self.verify()

    def require_groups(self) -> None:
        """Refuse a gallery none of whose references has a label: no threshold would help it.

        Raises:
            NoGroupsError: If there are references, and none is of a group.
        """
        with self._store.reading() as state:
            if state.count and not self._store.labels(1):
                raise no_groups(self._documents.gallery, state.count)

    def _read_of(self, name: str | None, read: Callable[[str, OperatingPoint], T]) -> T:
        """What is read of a point's files; of the newest one, if a calibration came in between.

        Args:
            name: Name of the point; None for the default one.
            read: Called with the name of the point and the point, whose files may be gone.
        """
        while True:
            found = self.named(name)
            try:
                return read(*found)
            except StoreError:
                if self.named(name) == found:
                    raise

    def _sweep(self, store: ReferenceStore) -> None:
        """Remove what no point names and what killed writers left, as the only writer."""
        fields = self._documents.read(store)
        points = operating_points(self._documents.name, fields).values()
        self._documents.sweep(store, [file for point in points for file in point.files])

    def _read(self) -> _Stored:
        """The current points, parsed again only if the file was replaced."""
        self._store.require_in_place()
        fields = self._documents.current()
        if self._stored is None or self._stored.fields is not fields:
            points = operating_points(self._documents.name, fields)
            chosen = fields.get(DEFAULT_POINT, "default")
            default = chosen if chosen in points else next(iter(points), None)
            self._stored = _Stored(fields, points, default)
        return self._stored
