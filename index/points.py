"""A gallery's manifest, `gallery.json`, and its operating points: named thresholds.

A point that another process stores is visible from the next call on.
Does not choose thresholds (`likewise.calibration`) and does not decide (`decision`).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from index.decision import CheckOptions, Rule
from index.errors import FingerprintError, GalleryError, ReplacedError, StoreError
from index.evidence import (
    EVIDENCE,
    PICTURES,
    Evidence,
    drop_evidence,
    read_evidence,
    write_evidence,
)
from index.operating_point import OperatingPoint
from index.references.local import Store
from index.storage.directory import FORMAT, MANIFEST, sync
from index.storage.files import read_sealed, write_sealed
from likewise.arrays import Floats
from likewise.metrics.limits import Limits

DEFAULT_POINT = "default_point"  # in the manifest, optional: name of the operating point


def read_manifest(path: Path) -> dict[str, Any]:
    """Read the fields of `gallery.json`.

    Raises:
        GalleryError: If `path` is not a gallery.
        StoreError: If the file is missing, altered or of another format; the text names it.
    """
    if not path.is_dir():
        raise GalleryError(f"Expected a gallery at '{path}', but there is no such directory.")
    manifest = read_sealed(path / MANIFEST)
    if manifest.get("format") != FORMAT:
        raise StoreError(
            f"'{path / MANIFEST}' is of format {manifest.get('format')}, but this version reads"
            f" format {FORMAT}: use the version that wrote it."
        )
    return manifest


class Manifest:
    """The `gallery.json` in a directory; a changed stat reveals a replaced file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = identity(path / MANIFEST)
        self._fields = read_manifest(path)

    def current(self) -> dict[str, Any]:
        """The fields, read again only if the file was replaced.

        Raises:
            ReplacedError: If the file belongs to another gallery.
        """
        seen = identity(self._path / MANIFEST)
        if seen != self._seen:
            fields = read_manifest(self._path)
            for name in ("dim", "fingerprint"):
                if fields.get(name) != self._fields[name]:
                    raise ReplacedError(
                        f"'{self._path}' is no longer the gallery that was opened: its {name}"
                        f" is now {fields.get(name)}. Open it again."
                    )
            self._seen, self._fields = seen, fields
        return self._fields

    def require_fingerprint(self, fingerprint: str) -> None:
        """Refuse any embedder but the one that made the vectors.

        Raises:
            FingerprintError: Naming both.
        """
        built_with = self.current()["fingerprint"]
        if fingerprint != built_with:
            raise FingerprintError(
                f"Gallery '{self._path}' was built with model {built_with}, but this model"
                f" is {fingerprint}: use the gallery's own model or build the gallery again."
            )

    def store_point(self, name: str, point: Mapping[str, Any], *, default: bool) -> None:
        """Add or replace an operating point in the file; call it as the only writer.

        A kill at any moment leaves either the old or the new file.

        Raises:
            ValueError: If the point is not plain JSON.
            OSError: If the file cannot be written.
        """
        fields = read_manifest(self._path)
        points = {**fields["operating_points"], name: point}
        chosen = {DEFAULT_POINT: name} if default else {}
        write_sealed(self._path / MANIFEST, {**fields, "operating_points": points, **chosen})
        sync(self._path)


class _Stored(NamedTuple):
    """One state of `gallery.json`."""

    fields: dict[str, Any]
    points: dict[str, OperatingPoint]
    default: str | None


class OperatingPoints:
    """The named thresholds of a gallery.

    Args:
        path: The gallery's directory.
        manifest: Its `gallery.json`.
        store: Its references, for their number and for the lock of the single writer.
    """

    def __init__(self, path: Path, manifest: Manifest, store: Store) -> None:
        self._path = path
        self._manifest = manifest
        self._store = store
        self._stored: _Stored | None = None
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
            raise GalleryError(
                f"Gallery '{self._path}' has no operating point yet: give a threshold."
            )
        if chosen not in stored.points:
            known = ", ".join(stored.points) or "none"
            raise GalleryError(
                f"Gallery '{self._path}' has no operating point '{chosen}'. It has: {known}."
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
        name, point = self.named(name)
        if point.evidence is None:
            raise GalleryError(
                f"Operating point '{name}' of gallery '{self._path}' has no evidence: it was not "
                "calibrated with this gallery. Calibrate it, or ask without evidence."
            )
        evidence = self._evidence
        if evidence is None or evidence.name != point.evidence:
            unknown = read_evidence(self._path, EVIDENCE, point.evidence)
            evidence = self._evidence = Evidence(point.evidence, unknown.astype(np.float32))
        return evidence

    def outdated(self, name: str | None = None) -> str | None:
        """Describe in one sentence how the gallery changed since a point was calibrated, if so."""
        state = self._store.state()
        name, point = self.named(name)
        return point.outdated(name, state.count, state.generation)

    def calibrated_on(self, name: str | None = None) -> set[bytes]:
        """Content hashes of the pictures that a point was calibrated with.

        Empty for a point that was not calibrated here. The pictures that chose a threshold must not
        judge it.

        Raises:
            GalleryError: If the gallery has no such point.
            StoreError: If the file is missing or altered.
        """
        _, point = self.named(name)
        if point.pictures is None:
            return set()
        return set(map(bytes, read_evidence(self._path, PICTURES, point.pictures)))

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
            ValueError: If the name is empty, or a field of the point is not plain JSON.
            GalleryError: Inside a snapshot.
            StoreError: If the gallery is read-only, or another process keeps writing.
            OSError: If a file cannot be written.
        """
        if not name.strip():
            raise ValueError("The name of an operating point must not be empty.")
        with self._store.changing() as store, store.writing():
            if unknown is not None:
                distances = np.sort(unknown).astype("<f4")
                point = replace(point, evidence=write_evidence(self._path, EVIDENCE, distances))
            if contents is not None:
                hashes = np.frombuffer(b"".join(sorted(contents)), np.uint8).reshape(-1, 16)
                point = replace(point, pictures=write_evidence(self._path, PICTURES, hashes))
            with self._store.lock:
                self._manifest.store_point(name, point.to_json(), default=default)
                points = self._read().points.values()
                drop_evidence(self._path, keep=[file for point in points for file in point.files])

    def verify(self) -> None:
        """Verify `gallery.json` and the files that its points name.

        Raises:
            StoreError: If one is altered; the text names it.
        """
        for stored in read_manifest(self._path)["operating_points"].values():
            for kind, name in OperatingPoint.from_json(stored).files:
                read_evidence(self._path, kind, name)

    def _read(self) -> _Stored:
        """The current points, parsed again only if the file was replaced."""
        self._store.require_in_place()
        fields = self._manifest.current()
        if self._stored is None or self._stored.fields is not fields:
            points = {
                name: OperatingPoint.from_json(point)
                for name, point in fields["operating_points"].items()
            }
            chosen = fields.get(DEFAULT_POINT, "default")
            default = chosen if chosen in points else next(iter(points), None)
            self._stored = _Stored(fields, points, default)
        return self._stored


def identity(path: Path) -> tuple[int, int, int] | None:
    """A value that changes when a file is replaced; None if there is no file."""
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
