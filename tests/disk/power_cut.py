"""Possible contents of a disk after a power cut, from the record of `watched.c`.

A file's content is certain as of its last sync, a directory's names as of its own. What came after
may be there or not: each write by itself, the names of a directory as of any moment since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

Write = tuple[int, bytes | None]  # where and what; None: truncated to there


@dataclass
class File:
    """A file: what is certain, and what was written since."""

    certain: bytes = b""
    since: list[Write] = field(default_factory=list)

    def content(self, keep: Callable[[], bool]) -> bytes:
        """Its content if of the later writes those are kept that `keep` says."""
        content = bytearray(self.certain)
        for place, written in self.since:
            if not keep():
                continue
            end = place + len(written or b"")
            content.extend(bytes(max(0, end - len(content))))
            if written is None:
                del content[place:]
            else:
                content[place:end] = written
        return bytes(content)

    def sync(self) -> None:
        """Make all of it certain."""
        self.certain, self.since = self.content(lambda: True), []


@dataclass
class Directory:
    """A directory: its names at the last sync, and after each change since, the latest last."""

    states: list[dict[str, File | Directory]] = field(default_factory=lambda: [{}])

    @property
    def names(self) -> dict[str, File | Directory]:
        """Its names now."""
        return self.states[-1]

    def change(self, name: str, entry: File | Directory | None) -> None:
        """Set or remove a name."""
        names = {**self.names}
        names.pop(name, None)
        self.states.append({**names, name: entry} if entry is not None else names)

    def sync(self) -> None:
        """Make its names certain."""
        self.states = [self.names]


class Disk:
    """A disk that a record is played back to.

    Args:
        root: The folder that was watched.
    """

    def __init__(self, root: Path) -> None:
        self.top = Directory()
        self._root = root
        self._inodes: dict[int, File | Directory] = {root.stat().st_ino: self.top}

    def play(self, log: Path) -> Iterator[None]:
        """Play a record back; yields after each sync, when the disk is as certain as it gets."""
        content, at = log.read_bytes(), 0
        while at < len(content):
            line = content.index(b"\n", at)
            kind, inode, offset, length = content[at:line].split()
            at = line + 1 + int(length)
            self._do(kind.decode(), int(inode), int(offset), content[line + 1 : at])
            if kind == b"S":
                yield

    def write(self, target: Path, rng: np.random.Generator | None, *, all: bool = False) -> None:
        """Write what the disk may hold into a new folder.

        Args:
            target: The folder.
            rng: Chooses what is there of what is not certain; None for what `all` says.
            all: Whether everything is there, else only what is certain.
        """
        self._write(self.top, target, rng, all)

    def _write(
        self, directory: Directory, target: Path, rng: np.random.Generator | None, all: bool
    ) -> None:
        target.mkdir()
        last = len(directory.states) - 1
        state = last if all else 0
        if rng is not None:
            state = int(rng.integers(last + 1))
        for name, entry in directory.states[state].items():
            if isinstance(entry, Directory):
                self._write(entry, target / name, rng, all)
            elif not name.endswith("-shm"):  # in memory alone: made anew
                keep = (lambda: all) if rng is None else (lambda: bool(rng.integers(2)))
                (target / name).write_bytes(entry.content(keep))

    def _do(self, kind: str, inode: int, offset: int, content: bytes) -> None:
        if kind == "W":
            self._file(inode).since.append((offset, content))
        elif kind == "T":
            self._file(inode).since.append((offset, None))
        elif kind == "S":
            self._inodes[inode].sync()
        elif kind == "O":
            self._opened(inode, content.decode())
        elif kind == "D":
            self._inodes[inode] = Directory()
            parent, name = self._place(content.decode())
            parent.change(name, self._inodes[inode])
        elif kind == "U":
            parent, name = self._place(content.decode())
            parent.change(name, None)
        else:
            self._renamed(*content.decode().split("\0"))

    def _opened(self, inode: int, path: str) -> None:
        if path == str(self._root):
            return
        parent, name = self._place(path)
        if name not in parent.names or parent.names[name] is not self._inodes.get(inode):
            self._inodes[inode] = File()  # the number of a removed file may be used again
            parent.change(name, self._inodes[inode])

    def _renamed(self, old: str, new: str) -> None:
        parent, name = self._place(old)
        entry = parent.names[name]
        parent.change(name, None)
        parent.states.pop()  # both names change at once
        target, new_name = self._place(new)
        names = {key: value for key, value in target.names.items() if key not in (name, new_name)}
        target.states.append({**names, new_name: entry})

    def _place(self, path: str) -> tuple[Directory, str]:
        *folders, name = Path(path).relative_to(self._root).parts
        directory = self.top
        for folder in folders:
            inner = directory.names[folder]
            assert isinstance(inner, Directory)
            directory = inner
        return directory, name

    def _file(self, inode: int) -> File:
        file = self._inodes[inode]
        assert isinstance(file, File)
        return file
