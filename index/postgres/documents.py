"""The documents of a gallery in PostgreSQL, with local copies of what is read as files."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from index.address import Address
from index.documents import Documents, require_fields
from index.errors import ReplacedError, StoreError
from index.evidence import evidence_path
from index.postgres.local_cache import writing_cache
from index.postgres.making import drop
from index.postgres.store import PostgresStore, file_digest
from index.references.contract import ReferenceStore
from index.storage.directory import MODEL
from index.storage.drafts import draft_directory, sweep_directories
from index.storage.files import sealed_text, unsealed, write_whole


class PostgresDocuments(Documents):
    """The rows of a manifest and its files; a number that grows reveals a changed manifest.

    Args:
        store: The gallery's references.
        directory: The local cache.
    """

    gallery: Address

    def __init__(self, store: PostgresStore, directory: Path) -> None:
        self.directory = directory
        self.gallery = store.gallery
        self.name = f"{store.gallery}, its manifest"
        self._store = store
        self._revision, text = store.manifest()
        self._fields = self._read(text)
        self._checked_model = False

    def current(self) -> dict[str, Any]:
        """The fields, read again only if they were replaced."""
        with self._store.reading():
            if self._store.revision() != self._revision:
                revision, text = self._store.manifest()
                fields = self._read(text)
                if any(fields[name] != self._fields[name] for name in ("dim", "fingerprint")):
                    raise ReplacedError(
                        f"'{self.gallery}' is no longer the gallery that was opened. Open it again."
                    )
                self._revision, self._fields = revision, fields
            return self._fields

    def read(self, store: ReferenceStore | None = None) -> dict[str, Any]:
        """The fields, read now."""
        return self._read(self._of(store).manifest()[1])

    @property
    def model_path(self) -> Path:
        """A local copy of the model, made where it is missing or not the one in the database."""
        place = self.directory / MODEL
        if not self._checked_model:
            wanted = {name: digest for name, (digest, _) in self._store.files(f"{MODEL}/").items()}
            if wanted and not _holds(self.directory, wanted):
                with writing_cache(self.directory):
                    self._copy_model(place, list(wanted))
            self._checked_model = True
        return place

    def sizes(self) -> dict[str, int]:
        """Bytes of the tables and files in the database, and of the local cache."""
        kinds: dict[str, int] = {}
        for name, (_, size) in self._store.files("").items():
            kind = name.partition("/")[0]
            kinds[kind] = kinds.get(kind, 0) + size
        local = sum(super().sizes().values())
        return {"references": self._store.size(), **kinds, "local cache": local}

    def discard(self) -> None:
        """Remove the gallery from the database, and its cache."""
        drop(self.gallery)
        shutil.rmtree(self.directory, ignore_errors=True)

    def evidence(self, kind: str, name: str) -> npt.NDArray[Any]:
        """An array that a calibration left, by its local copy.

        Args:
            kind: One of `KINDS`.
            name: The name that `keep_evidence` returned.
        """
        path = evidence_path(self.directory, kind, name)
        try:
            return super().evidence(kind, name)
        except StoreError:  # no copy, or a damaged one
            content = self._store.file(path.name)
            if content is None:
                raise
        write_whole(path, content)
        return super().evidence(kind, name)

    def keep_evidence(self, store: ReferenceStore, kind: str, values: npt.NDArray[Any]) -> str:
        """Keep an array in the database, and a local copy.

        Args:
            store: The store of the only writer, within its change.
            kind: One of `KINDS`.
            values: Array of the shape and dtype of that kind.
        """
        name = super().keep_evidence(store, kind, values)
        path = evidence_path(self.directory, kind, name)
        self._of(store).keep_file(path.name, path.read_bytes())
        return name

    def sweep(self, store: ReferenceStore, keep: Iterable[tuple[str, str]]) -> None:
        """Remove evidence that no operating point names, here and in the database.

        Args:
            store: The store of the only writer, within its change.
            keep: Kind and name of each array to keep.
        """
        wanted = list(keep)
        super().sweep(store, wanted)
        kept = {evidence_path(self.directory, *each).name for each in wanted}
        held = {name for name in self._of(store).files("") if not name.startswith(f"{MODEL}/")}
        self._of(store).drop_files(sorted(held - kept))

    def _write(self, store: ReferenceStore, fields: Mapping[str, Any]) -> None:
        self._of(store).write_manifest(sealed_text(self.name, fields))

    def _of(self, store: ReferenceStore | None) -> PostgresStore:
        assert store is None or isinstance(store, PostgresStore)
        return store or self._store

    def _read(self, text: str) -> dict[str, Any]:
        fields = unsealed(self.name, text)
        require_fields(self.name, fields)
        return fields

    def _copy_model(self, place: Path, names: list[str]) -> None:
        """Copy the model out of the database, to appear whole."""
        sweep_directories(self.directory)
        with draft_directory(place) as beside:
            for name in names:
                path = beside / Path(name).relative_to(MODEL)
                path.parent.mkdir(parents=True, exist_ok=True)
                content = self._store.file(name)
                assert content is not None, "a model never changes"
                path.write_bytes(content)
            shutil.rmtree(place, ignore_errors=True)
            try:
                beside.rename(place)
            except OSError:  # another process was faster
                if not place.is_dir():
                    raise


def _holds(directory: Path, wanted: Mapping[str, bytes]) -> bool:
    """Whether a directory holds these files, as they should be."""
    try:
        return all(
            file_digest((directory / name).read_bytes()) == digest
            for name, digest in wanted.items()
        )
    except OSError:
        return False
