"""The picture files below a folder, each once, and a count of the other files.

A folder is listed once, in sorted order. A link is followed unless its target is read in its own
place: where two folders link to each other, each picture is read in the folder that holds it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from embedder.data.formats import endings, format_of, without_lead
from embedder.data.levels import Folders
from embedder.data.passed_over import GALLERY, LINKED, SPECIAL, UNLISTABLE, PassedOver, is_shown
from embedder.errors import DatasetError

OF_A_GALLERY = frozenset({"gallery.json", "references.sqlite"})  # its pictures are its model's
HEAD = 128  # bytes that tell whether a file without an extension is a picture


def is_picture(name: str) -> bool:
    """Whether a file may be a picture, by its extension; a file without one may be."""
    ending = os.path.splitext(name)[1].lower()
    return not ending or ending in endings()


def begins_as_picture(head: bytes) -> bool:
    """Whether a file without an extension is a picture, not a README, by its first 128 bytes."""
    return format_of(head) is not None or format_of(without_lead(head)) is not None


def file_begins_as_picture(path: str) -> bool:
    """Whether a file without an extension is a picture; if it cannot be opened, it may be."""
    try:
        with open(path, "rb") as file:
            return begins_as_picture(file.read(HEAD))
    except OSError:  # it is reported as unreadable
        return True


class Listing:
    """The paths of all pictures below a folder, relative to it and sorted; listed once.

    Names are stored as one text per folder: a list of paths would take ten times the memory.

    Attributes:
        top: The folder.
        passed_over: Other files, and folders that cannot be listed.

    Raises:
        DatasetError: If the folder itself cannot be listed.
    """

    def __init__(self, top: Path) -> None:
        self.top = top
        self.passed_over = PassedOver()
        self._real = os.path.realpath(top)
        self._runs: list[tuple[str, str]] = []  # a folder, and names in it, joined by /
        self._visited: set[tuple[int, int]] = set()
        self._links: list[str] = []  # links to folders, listed after all other folders
        self._walk("")
        linked = bool(self._links)
        while self._links:
            self._walk(self._links.pop(0))
        if linked:
            self._runs.sort(key=lambda run: (*run[0].split("/")[:-1], run[1].partition("/")[0]))

    def __len__(self) -> int:
        return sum(names.count("/") + 1 for _, names in self._runs)

    def __iter__(self) -> Iterator[str]:
        return (inside + name for inside, names in self._runs for name in names.split("/"))

    def folders(self) -> Folders:
        """The folders that hold pictures, with their numbers of pictures."""
        counts: dict[tuple[str, ...], int] = {}
        for inside, names in self._runs:
            folder = tuple(inside.split("/")[:-1])
            counts[folder] = counts.get(folder, 0) + names.count("/") + 1
        return Folders(counts)

    def _walk(self, inside: str) -> None:
        """List a folder; `inside` is its path relative to `top`, empty or with a / at its end."""
        try:
            status = (self.top / inside).stat()
            with os.scandir(self.top / inside) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if not inside:
                raise DatasetError(
                    f"{self.top} cannot be listed ({error.strerror}): allow reading it."
                ) from error
            self.passed_over.add(UNLISTABLE, f"{inside} ({error.strerror})")
            return
        identity = (status.st_dev, status.st_ino)
        if identity in self._visited:
            self.passed_over.add(LINKED, inside)
            return
        self._visited.add(identity)
        if inside and OF_A_GALLERY.issubset(entry.name for entry in listed):
            self.passed_over.add(GALLERY, inside)
            return
        pictures: list[str] = []
        for entry in listed:
            if entry.is_dir():
                self._keep(inside, pictures)
                self._enter(entry, inside)
            elif self._is_read(entry, inside):
                pictures.append(entry.name)
        self._keep(inside, pictures)

    def _keep(self, inside: str, pictures: list[str]) -> None:
        if pictures:
            self._runs.append((inside, "/".join(pictures)))
            pictures.clear()

    def _enter(self, entry: os.DirEntry[str], inside: str) -> None:
        if not is_shown(entry.name):
            self.passed_over.add_file(f"{inside}{entry.name}")
        elif entry.is_symlink():
            self._links.append(f"{inside}{entry.name}/")
        else:
            self._walk(f"{inside}{entry.name}/")

    def _is_read(self, entry: os.DirEntry[str], inside: str) -> bool:
        """Accept files and links with a picture's name; a dangling link is then unreadable."""
        name = f"{inside}{entry.name}"
        if not is_shown(entry.name) or not is_picture(entry.name):
            self.passed_over.add_file(name)
        elif not (entry.is_file() or entry.is_symlink()):
            self.passed_over.add(SPECIAL, name)
        elif entry.is_symlink() and self._is_listed(entry.path):
            self.passed_over.add(LINKED, name)
        elif "." not in entry.name and not file_begins_as_picture(entry.path):
            self.passed_over.add_file(name)
        else:
            return True
        return False

    def _is_listed(self, link: str) -> bool:
        """Whether the target of a link is listed too, in another folder."""
        real = os.path.realpath(link)
        if not real.startswith(f"{self._real}{os.sep}"):
            return False
        inside = real[len(self._real) + 1 :].split(os.sep)
        elsewhere = os.path.dirname(real) != os.path.realpath(os.path.dirname(link))
        return elsewhere and is_shown("/".join(inside)) and is_picture(inside[-1])
