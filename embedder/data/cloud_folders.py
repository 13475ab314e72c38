"""Folders, lists and archives in cloud storage, read by the rules of those on disk.

The names in a folder are listed once; pictures are fetched when their pixels are asked for. Every
other file is copied to a temporary folder, as its reader needs all of it.
Does not read patterns, or IDX files, whose labels lie beside them.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from glob import has_magic
from pathlib import Path
from posixpath import normpath
from typing import Any

from embedder.data.choice import Choice
from embedder.data.cloud import CloudPicture, file_system, naming, renaming
from embedder.data.formats import endings
from embedder.data.label_rule import LabelRule
from embedder.data.levels import Folders
from embedder.data.listing import HEAD, begins_as_picture, is_picture
from embedder.data.passed_over import PassedOver, is_shown
from embedder.data.records import Record, Records
from embedder.errors import DatasetError


def cloud_records(
    address: str, split: str | None, rule: LabelRule, read: Callable[[Path], Records]
) -> Records:
    """Stream the pictures at an address.

    Args:
        address: A folder, one picture, a list or an archive, such as `s3://bucket/scans/`.
        split: Part of a folder that has several.
        rule: Where labels stand.
        read: Reads a copy of any file but a picture.

    Returns:
        Records whose ids are as on disk: paths relative to the folder, or what a list names.

    Raises:
        DatasetError: If there is nothing at the address, its storage cannot be reached, or what is
            there cannot be read.
    """
    system, root = file_system(address)
    with naming(address):
        is_file = not address.endswith("/") and system.isfile(root)
    if not is_file:
        return _folder_records(address, system, root, split, rule)
    if Path(root).suffix.lower() not in endings():
        return _file_records(address, system, root, read)
    if split is not None:
        raise DatasetError(f"{address} has no splits: leave out the split {split!r}.")
    label = rule.label_in(address) if rule.is_explicit else None
    record = Record(address, label, CloudPicture(system, root))
    return Records(lambda: (record,), 1)


def _folder_records(
    address: str, system: Any, root: str, split: str | None, rule: LabelRule
) -> Records:
    passed_over = PassedOver()
    with naming(address):
        sizes = {
            path[len(root) + 1 :]: entry.get("size")
            for path, entry in system.find(root, detail=True).items()
        }
        if not sizes and has_magic(root):
            raise DatasetError(
                f"{address} is a pattern, which cloud storage does not know: name the folder, or a "
                "list of addresses."
            )
        if not sizes:
            raise FileNotFoundError
        names = _pictures(system, root, sizes, passed_over)
    if not names:
        note = passed_over.sentence(address) or ""
        raise DatasetError(f"{address} should hold pictures, but holds none. {note}".strip())
    choice = Choice.of(address, Folders.of(names), split, rule)

    def stream() -> Iterable[Record]:
        within = filter(choice.holds, names)
        return (
            Record(name, choice.label_of(name), CloudPicture(system, f"{root}/{name}"))
            for name in within
        )

    return Records(stream, choice.count, notes=choice.notes(passed_over))


def _pictures(
    system: Any, root: str, sizes: Mapping[str, int | None], passed_over: PassedOver
) -> list[str]:
    """Choose the names that `listing` accepts, sorted, and count the others.

    Args:
        system: A file system of fsspec.
        root: The folder's path there.
        sizes: Size of each file by its name in the folder, None where it is not known.
        passed_over: Counts the others.
    """
    # A name that ends in / is a folder that a program marked by an empty file.
    ordered = sorted((name for name in sizes if name[-1:] not in ("", "/")), key=_folders)
    shown = [name for name in ordered if is_shown(name) and is_picture(name.split("/")[-1])]
    unclear = [name for name in shown if "." not in name.split("/")[-1]]
    begun = _begun_as_pictures(system, root, [name for name in unclear if sizes[name] != 0])
    chosen = set(shown).difference(unclear).union(begun)
    for name in ordered:
        if name not in chosen:
            passed_over.add_file(name)
    return [name for name in ordered if name in chosen]


def _folders(name: str) -> list[str]:
    return name.split("/")


def _begun_as_pictures(system: Any, root: str, names: list[str]) -> list[str]:
    """Those of the files whose first bytes are a picture's; one that cannot be read may be."""
    paths = [f"{root}/{name}" for name in names]
    heads = system.cat_ranges(paths, 0, HEAD, on_error="return") if paths else []
    return [
        name
        for name, head in zip(names, heads, strict=True)
        if isinstance(head, Exception) or begins_as_picture(head)
    ]


@dataclass(frozen=True, slots=True, weakref_slot=True)
class _Copy:
    """A temporary folder that goes when nothing refers to it, or the program ends."""

    folder: Path

    @classmethod
    def make(cls) -> _Copy:
        copy = cls(Path(tempfile.mkdtemp(prefix="likewise-")))
        weakref.finalize(copy, shutil.rmtree, copy.folder, ignore_errors=True)
        return copy


def _file_records(address: str, system: Any, root: str, read: Callable[[Path], Records]) -> Records:
    """Read a copy of a list, an archive or a table; relative paths of a list stay in the cloud."""
    copy = _Copy.make()
    parent, _, name = root.rpartition("/")
    with naming(address):
        system.get_file(root, str(copy.folder / name))
    with renaming(copy.folder, address.rpartition("/")[0]):
        stream = read(copy.folder / name)

    def in_the_cloud(record: Record) -> Record:
        if not (isinstance(record.image, Path) and record.image.is_relative_to(copy.folder)):
            return record
        path = normpath(f"{parent}/{record.image.relative_to(copy.folder).as_posix()}")
        return replace(record, image=CloudPicture(system, path))

    return stream.mapped(in_the_cloud)
