"""Picture files on disk: a folder per label, a folder of pictures, a glob.

Folders are walked in sorted order, one at a time, and no picture is opened before its
pixels are asked for. Hidden files, files with an ending that is no picture's, pipes, sockets and
devices are passed over; a picture that turns out to be damaged is not.
"""

from __future__ import annotations

import functools
import glob
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from embedder.data.records import Record
from embedder.errors import DatasetError

_SPLITS = frozenset(("train", "test", "val", "valid", "validation"))


def folder_records(folder: Path, split: str | None = None) -> Iterator[Record]:
    """Stream the pictures of a folder, the first folder below it that divides being the label.

    Args:
        folder: `folder/alice/1.png` has the label `alice`, also when it lies deeper, as
            `folder/alice/2024/1.png`; a picture directly in the folder has the label None.
            Folders around all others are passed over: see `label_level`.
        split: Read only `folder/split`, whose folders are then the labels.

    Returns:
        Records whose ids are the paths relative to `folder`, with forward slashes.

    Raises:
        DatasetError: If there is no picture in it, or it holds splits and none was named.

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
    files = _walk(top, "", ())
    first = next(files, None)
    if first is None:
        advice = _images_file(top) or "check the path"
        raise DatasetError(f"{top} should hold pictures, but there is none in it: {advice}.")
    level = label_level(chain((first,), _walk(top, "", ())))
    if split is None:
        _refuse_splits(top.joinpath(*first.split("/")[:level]))
    prefix = "" if split is None else f"{split}/"
    return (
        Record(prefix + inside, label_at(level, inside), top / inside)
        for inside in chain((first,), files)
    )


def label_level(paths: Iterable[str]) -> int:
    """Count the folders around all pictures, which divide nothing and are no labels.

    Args:
        paths: Paths of pictures, at least one, with forward slashes.

    Returns:
        The place of the label in each path; 0 where pictures lie in the innermost folder
        around all, as it may well be a label.

    Example:
        >>> label_level(["train/3/a.png", "train/4/b.png"]), label_level(["alice/2024/1.png"])
        (1, 0)
    """
    each = (path.split("/")[:-1] for path in paths)
    around = next(each)
    depth = len(around)
    for folders in each:
        depth = min(depth, len(folders))
        while folders[: len(around)] != around:
            around.pop()
        if not around:  # so that few folders are walked twice
            return 0
    return len(around) if depth > len(around) else 0


def label_at(level: int, path: str) -> str | None:
    """Give the label of a picture by its path."""
    folders = path.split("/")[:-1]
    return folders[level] if level < len(folders) else None


def glob_records(pattern: str) -> Iterator[Record]:
    """Stream the picture files that match a pattern, `**` included, without labels.

    Raises:
        DatasetError: If no file matches.
    """
    paths = [path for path in sorted(glob.glob(pattern, recursive=True)) if os.path.isfile(path)]
    if not paths:
        raise DatasetError(f"No file matches {pattern!r}: check the pattern.")
    return (Record(path, None, Path(path)) for path in paths)


def _walk(top: Path, inside: str, above: tuple[tuple[int, int], ...]) -> Iterator[str]:
    """Give the pictures below `top/inside` as sorted paths relative to `top`."""
    folder = top / inside
    status = folder.stat()
    here = (status.st_dev, status.st_ino)
    if here in above:  # a link back to a folder that we are in
        return
    for name, is_folder in _entries(folder):
        if is_folder:
            yield from _walk(top, f"{inside}{name}/", (*above, here))
        elif is_picture(name):
            yield inside + name


def _entries(folder: Path) -> list[tuple[str, bool]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((e.name, e.is_dir()) for e in entries if _is_wanted(e))
    except OSError as error:
        raise DatasetError(f"{folder} cannot be listed: {error.strerror}.") from error


def _is_wanted(entry: os.DirEntry[str]) -> bool:
    """Tell a folder or regular file, or a link, which may lead nowhere and is then unreadable."""
    ordinary = entry.is_file() or entry.is_dir() or entry.is_symlink()
    return ordinary and not entry.name.startswith(".")


def is_picture(name: str) -> bool:
    """Tell whether a file of this name may be a picture: by its ending, or as it has none."""
    ending = os.path.splitext(name)[1].lower()
    return not ending or ending in _endings()


@functools.cache
def _endings() -> frozenset[str]:
    """The file endings of all formats that Pillow can open."""
    from PIL import Image

    known = Image.registered_extensions()
    return frozenset(ending for ending, kind in known.items() if kind in Image.OPEN)


def _images_file(folder: Path) -> str | None:
    """Point at a file of many pictures, as MNIST comes."""
    from embedder.data.idx import is_idx

    files = [folder / name for name, is_folder in _entries(folder) if not is_folder]
    found = [file for file in files if "images" in file.name and is_idx(file)]
    return f"name the file that does, as {found[0]}" if found else None


def _refuse_splits(folder: Path) -> None:
    """Refuse to take `train` and `test` for labels."""
    names = [name for name, is_folder in _entries(folder) if is_folder]
    if len(names) > 1 and _SPLITS.issuperset(names):
        raise DatasetError(
            f"{folder} holds the splits {', '.join(names)}, not labels: name one of them, "
            f"as {folder / names[0]}."
        )
