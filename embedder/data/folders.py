"""Picture files on disk: a folder per label, a folder of pictures, a glob.

A folder is listed once, in sorted order, and no picture is opened before its pixels are asked for.
Hidden files, pipes, sockets, devices and files with another ending than a picture's are left out;
a damaged picture is not.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from embedder.data.formats import endings
from embedder.data.records import Record, Records
from embedder.errors import DatasetError

_SPLITS = frozenset(("train", "test", "val", "valid", "validation"))


def folder_records(folder: Path, split: str | None = None) -> Records:
    """Stream the pictures of a folder, the first folder below it that divides being the label.

    Args:
        folder: `folder/alice/1.png` has the label `alice`, also when it lies deeper, as
            `folder/alice/2024/1.png`; a picture directly in the folder has the label None.
            Folders around all others are no labels: see `label_level`.
        split: Read only `folder/split`, whose folders are then the labels.

    Returns:
        Records whose ids are the paths relative to `folder`, with forward slashes.

    Raises:
        DatasetError: If a folder cannot be listed or there is no picture, or if there are splits
            and `split` names none of them.

    Example:
        >>> from embedder.data.bundled import FOLDER
        >>> list(folder_records(FOLDER))
        Traceback (most recent call last):
        ...
        embedder.errors.DatasetError: ...
    """
    top = folder if split is None else folder / split
    if not top.is_dir():
        raise DatasetError(f"{folder} has no folder {split!r} in it: leave out the split.")
    listing = Listing(top)
    if not listing:
        advice = _images_file(top) or "check the path"
        raise DatasetError(f"{top} should hold pictures, but there is none in it: {advice}.")
    level = label_level(listing)
    if split is None:
        _refuse_splits(listing, level)
    prefix = "" if split is None else f"{split}/"
    stream = (Record(prefix + path, label_at(level, path), top / path) for path in listing)
    return Records(stream, len(listing))


class Listing:
    """The paths of all pictures below a folder, relative to it and sorted; listed once.

    Names are kept as one text per folder: a list of paths would take ten times the memory.

    Attributes:
        top: The folder.

    Raises:
        DatasetError: If a folder cannot be listed.
    """

    def __init__(self, top: Path) -> None:
        self.top = top
        self._count = 0
        self._runs: list[tuple[str, str]] = []  # a folder, and names in it, joined by /
        self._folders: dict[str, list[str]] = {}
        self._walk("", ())

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return (inside + name for inside, names in self._runs for name in names.split("/"))

    def folders_in(self, inside: str) -> list[str]:
        """Name the folders directly in `inside`, a path relative to `top` that ends in / or is ''.

        Folders without pictures are among them.
        """
        return self._folders.get(inside, [])

    def _walk(self, inside: str, above: tuple[tuple[int, int], ...]) -> None:
        folder = self.top / inside
        status = folder.stat()
        here = (status.st_dev, status.st_ino)
        if here in above:  # a link back to a folder that we are in
            return
        for is_folder, entries in groupby(_entries(folder), itemgetter(1)):
            names = [name for name, _ in entries]
            if is_folder:
                self._folders.setdefault(inside, []).extend(names)
                for name in names:
                    self._walk(f"{inside}{name}/", (*above, here))
            elif pictures := list(filter(is_picture, names)):
                self._runs.append((inside, "/".join(pictures)))
                self._count += len(pictures)


def label_level(paths: Iterable[str]) -> int:
    """Count the folders around all pictures, which divide nothing and are no labels.

    Args:
        paths: Paths of pictures, at least one, with forward slashes.

    Returns:
        The place of the label in each path; 0 where pictures lie in the innermost folder
        around all, because it may well be a label.

    Example:
        >>> label_level(["train/3/a.png", "train/4/b.png"]), label_level(["alice/2024/1.png"])
        (1, 0)
    """
    parents = (path.split("/")[:-1] for path in paths)
    around = next(parents)
    depth = len(around)
    for folders in parents:
        depth = min(depth, len(folders))
        while folders[: len(around)] != around:
            around.pop()
        if not around:  # further paths cannot change that
            return 0
    return len(around) if depth > len(around) else 0


def label_at(level: int, path: str) -> str | None:
    """Return the label of a picture.

    Args:
        level: As `label_level` counts it, 0 or more.
        path: Path of the picture, with forward slashes.
    """
    folders = path.split("/")[:-1]
    return folders[level] if level < len(folders) else None


def glob_records(pattern: str) -> Records:
    """Stream the picture files that match a pattern, `**` included, without labels.

    Raises:
        DatasetError: If no file matches.
    """
    paths = [path for path in sorted(glob.glob(pattern, recursive=True)) if os.path.isfile(path)]
    if not paths:
        raise DatasetError(f"No file matches {pattern!r}: check the pattern.")
    return Records((Record(path, None, Path(path)) for path in paths), len(paths))


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """List a folder: names, each with whether it is a folder, sorted."""
    try:
        with os.scandir(folder) as entries:
            return sorted((e.name, e.is_dir()) for e in entries if _is_wanted(e))
    except OSError as error:
        raise DatasetError(f"{folder} cannot be listed: {error.strerror}.") from error


def _is_wanted(entry: os.DirEntry[str]) -> bool:
    """Accept folders, regular files and links: a dangling link is an unreadable picture."""
    ordinary = entry.is_file() or entry.is_dir() or entry.is_symlink()
    return ordinary and not entry.name.startswith(".")


def is_picture(name: str) -> bool:
    """Tell by the ending of its name whether a file may be a picture; without one it may."""
    ending = os.path.splitext(name)[1].lower()
    return not ending or ending in endings()


def _images_file(folder: Path) -> str | None:
    """Advise a file of many pictures in the folder, as MNIST has them."""
    from embedder.data.idx import is_idx

    files = [folder / name for name, is_folder in _entries(folder) if not is_folder]
    images = [file for file in files if "images" in file.name and is_idx(file)]
    return f"name the file that does, as {images[0]}" if images else None


def _refuse_splits(listing: Listing, level: int) -> None:
    """Refuse to take `train` and `test` for labels."""
    inside = "".join(f"{name}/" for name in next(iter(listing)).split("/")[:level])
    names = listing.folders_in(inside)
    if len(names) > 1 and _SPLITS.issuperset(names):
        folder = listing.top / inside
        raise DatasetError(
            f"{folder} holds the splits {', '.join(names)}, not labels: name one of them, "
            f"as {folder / names[0]}."
        )
