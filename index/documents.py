"""The documents of a gallery beside its references: manifest, evidence of calibrations, model.

`Documents` is the contract; `manifest` keeps them as files of a directory, `index.postgres` as rows
of the gallery's database. Every field of a manifest is checked for its type before anything uses
it.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from index.errors import FingerprintError, StoreError
from index.evidence import drop_evidence, read_evidence, write_evidence
from index.operating_point import OperatingPoint
from index.references.contract import ReferenceStore
from index.search.setting import SearchSetting
from index.storage.directory import FORMAT
from index.storage.drafts import sweep_files

DEFAULT_POINT = "default_point"  # in the manifest, optional: name of the operating point
NOTES = "notes"  # in the manifest, optional: sentences about the gallery by name
SEARCH = "search"  # in the manifest, optional: how it is searched
_DESCRIPTION = "model.json"  # in a model's directory
_LARGEST_DIM = 2**31 - 1  # FAISS counts in 32 bits


class Documents(ABC):
    """The manifest of a gallery and what it names; changed by the only writer.

    Attributes:
        name: What messages call the manifest.
        gallery: What messages call the gallery.
        directory: Where what is derived lies, and the local files of evidence and model.
    """

    name: object
    gallery: object
    directory: Path

    @abstractmethod
    def current(self) -> dict[str, Any]:
        """The fields of the manifest; the same object while it is unchanged.

        Raises:
            ReplacedError: If it belongs to another gallery now.
        """

    @abstractmethod
    def read(self, store: ReferenceStore | None = None) -> dict[str, Any]:
        """The fields, read and verified now.

        Args:
            store: The store of the writer that asks, within its change; None for a reader.
        """

    @abstractmethod
    def _write(self, store: ReferenceStore, fields: Mapping[str, Any]) -> None:
        """Write the fields, within a change of the store."""

    @property
    @abstractmethod
    def model_path(self) -> Path:
        """Directory of the model."""

    @abstractmethod
    def discard(self) -> None:
        """Remove the whole gallery, after it was closed; what cannot be removed is left."""

    def sizes(self) -> dict[str, int]:
        """Bytes of each part of the gallery, by its name."""
        return {entry.name: _size(entry) for entry in sorted(self.directory.iterdir())}

    def points(self) -> dict[str, OperatingPoint]:
        """The operating points by name, oldest first, read and verified now."""
        return operating_points(self.name, self.read())

    def require_fingerprint(self, fingerprint: str) -> None:
        """Refuse any embedder but the one that made the vectors.

        Raises:
            FingerprintError: Naming both.
        """
        built_with = self.current()["fingerprint"]
        if fingerprint != built_with:
            raise FingerprintError(
                f"Gallery '{self.gallery}' was built with model {built_with}, but this model"
                f" is {fingerprint}: use the gallery's own model or build the gallery again."
            )

    def store_point(
        self, store: ReferenceStore, name: str, point: Mapping[str, Any], *, default: bool
    ) -> None:
        """Add or replace an operating point; a kill leaves either the old or the new manifest.

        Args:
            store: The store of the only writer, within its change.
            name: Name of the point.
            point: The point, JSON.
            default: Whether it becomes the gallery's default.

        Raises:
            ValueError: If the point is not plain JSON.
            OSError: If a file cannot be written.
        """
        fields = self.read(store)
        points = {**fields["operating_points"], name: point}
        chosen = {DEFAULT_POINT: name} if default else {}
        self._write(store, {**fields, "operating_points": points, **chosen})

    def store_note(self, store: ReferenceStore, name: str, sentence: str) -> None:
        """Add or replace a sentence about the gallery.

        Args:
            store: The store of the only writer, within its change.
            name: What it is about.
            sentence: The sentence.

        Raises:
            OSError: If a file cannot be written.
        """
        fields = self.read(store)
        self._write(store, {**fields, NOTES: {**fields.get(NOTES, {}), name: sentence}})

    def store_search(self, store: ReferenceStore, setting: SearchSetting) -> None:
        """Set how the gallery is searched.

        Args:
            store: The store of the only writer, within its change.
            setting: How from now on.

        Raises:
            OSError: If a file cannot be written.
        """
        self._write(store, {**self.read(store), SEARCH: setting.to_json()})

    def evidence(self, kind: str, name: str) -> npt.NDArray[Any]:
        """An array that a calibration left; see `index.evidence`.

        Args:
            kind: One of `KINDS`.
            name: The name that `keep_evidence` returned.

        Raises:
            StoreError: If it is missing or altered; the text names it.
        """
        return read_evidence(self.directory, kind, name)

    def keep_evidence(self, store: ReferenceStore, kind: str, values: npt.NDArray[Any]) -> str:
        """Keep an array, durably, and return its name.

        Args:
            store: The store of the only writer, within its change.
            kind: One of `KINDS`.
            values: Array of the shape and dtype of that kind.

        Raises:
            OSError: If a file cannot be written.
        """
        return write_evidence(self.directory, kind, values)

    def sweep(self, store: ReferenceStore, keep: Iterable[tuple[str, str]]) -> None:
        """Remove what killed writers left, and evidence that no operating point names.

        Args:
            store: The store of the only writer, within its change.
            keep: Kind and name of each array to keep.
        """
        sweep_files(self.directory)
        drop_evidence(self.directory, keep=keep)


def require_fields(name: object, fields: Mapping[str, Any]) -> None:
    """Refuse a manifest of another format, or with fields of other types than are written.

    Args:
        name: What messages call it.
        fields: Its fields.

    Raises:
        StoreError: Naming the first field that is wrong.
    """
    if fields.get("format") != FORMAT:
        raise StoreError(
            f"'{name}' is of format {fields.get('format')}, but this version reads"
            f" format {FORMAT}: use the version that wrote it."
        )
    dim, default = fields.get("dim"), fields.get(DEFAULT_POINT, "")
    if type(dim) is not int or not 0 < dim <= _LARGEST_DIM:
        raise _foreign(name, f"`dim` must be a whole number >= 1. Received: {dim!r}")
    if not isinstance(fields.get("fingerprint"), str):
        received = fields.get("fingerprint")
        raise _foreign(name, f"`fingerprint` must be a text. Received: {received!r}")
    if not isinstance(default, str):
        raise _foreign(name, f"`{DEFAULT_POINT}` must be a text. Received: {default!r}")
    notes = fields.get(NOTES, {})
    if not isinstance(notes, dict) or not all(isinstance(note, str) for note in notes.values()):
        raise _foreign(name, f"`{NOTES}` must be an object of texts. Received: {notes!r}")
    operating_points(name, fields)
    search_setting(name, fields)


def require_own_model(model: Path, fingerprint: str) -> None:
    """Refuse a model that did not make the vectors that it lies beside.

    Args:
        model: The gallery's copy of its model; one that names no fingerprint is not compared.
        fingerprint: Fingerprint of the embedder that made the vectors.

    Raises:
        StoreError: If its `model.json` is no JSON object, or names another fingerprint.
    """
    description = model / _DESCRIPTION
    if not description.exists():
        return
    try:
        named = json.loads(description.read_bytes()).get("fingerprint", fingerprint)
    except (OSError, ValueError, AttributeError) as error:
        raise _foreign(description, f"It cannot be read as a JSON object: {error}") from error
    if named != fingerprint:
        raise StoreError(
            f"'{model}' is model {named}, but the vectors were made by model {fingerprint}: put "
            "the gallery's own model there, or build the gallery again."
        )


def search_setting(name: object, fields: Mapping[str, Any]) -> SearchSetting:
    """How the gallery is searched, by its owner's choice.

    Args:
        name: What messages call the manifest.
        fields: Its fields.

    Raises:
        StoreError: If it is not as likewise writes it; the text says what is not.
    """
    try:
        return SearchSetting.from_json(fields.get(SEARCH))
    except ValueError as error:
        raise _foreign(name, f"Field `{SEARCH}`: {error}".rstrip(".")) from error


def operating_points(name: object, fields: Mapping[str, Any]) -> dict[str, OperatingPoint]:
    """The operating points by name, oldest first.

    Args:
        name: What messages call the manifest.
        fields: Its fields.

    Raises:
        StoreError: If a point is not of the types that are written; the text names it.
    """
    stored = fields.get("operating_points")
    if not isinstance(stored, dict):
        raise _foreign(name, f"`operating_points` must be an object. Received: {stored!r}")
    points = {}
    for each, point in stored.items():
        try:
            points[each] = OperatingPoint.from_json(point)
        except ValueError as error:
            raise _foreign(name, f"Operating point '{each}': {error}".rstrip(".")) from error
    return points


def _foreign(name: object, what: str) -> StoreError:
    return StoreError(
        f"'{name}' is not as likewise writes it. {what}. Restore it from a backup, or "
        "build the gallery again."
    )


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size
