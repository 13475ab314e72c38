"""Pictures in a zip archive, read in place: nothing is unpacked to the disk.

The name of a member is an id, never a path. Members are chosen and sorted like the files of a
folder, so a folder and a zip of it give the same records. Zip bombs are rejected before anything
is decompressed.
Does not read archives within archives, archives with passwords, or any compression but deflate:
the memory that others need has no bound.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from embedder.data.choice import Choice
from embedder.data.label_rule import AUTOMATIC, LabelRule
from embedder.data.levels import Folders
from embedder.data.listing import begins_as_picture, is_picture
from embedder.data.member_names import guessed_name, is_link, member_names
from embedder.data.passed_over import NOT_FOLLOWED, PassedOver, is_shown
from embedder.data.records import Record, Records
from embedder.errors import ArchiveTooLargeError, DatasetError, ImageError

_AMPLE_ENTRY = 300  # bytes of an entry in the list of contents; 46 and the name's are needed
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class ZipLimits:
    """How much an archive may hold.

    Attributes:
        entries: Number of members, folders and other files included.
        bytes: Size of all members together, unpacked.
        ratio: Unpacked bytes per byte of the archive; not checked up to `free` bytes, because
            small archives of blank pictures shrink by more.
        free: See `ratio`.
        picture: Size of one picture file, unpacked, in bytes.
    """

    entries: int = 1_000_000
    bytes: int = 1 << 40
    ratio: float = 100.0
    free: int = 64 << 20
    picture: int = 1 << 30


def zip_records(
    path: Path,
    limits: ZipLimits | None = None,
    split: str | None = None,
    rule: LabelRule = AUTOMATIC,
) -> Records:
    """Stream the pictures of a zip archive, labelled by the one level of folders that divides.

    Args:
        path: The archive. `alice/1.png` in it has the label `alice`, as in a folder.
        limits: Larger archives are refused; None for the defaults.
        split: Read only the pictures of this part, such as `train`.
        rule: Where labels stand, if not on the level that divides.

    Returns:
        Records whose ids are the names of the members, sorted like the files of a folder.
        A member that is damaged, encrypted or too large is an unreadable picture.

    Raises:
        DatasetError: If the file is not a zip, is damaged or holds no pictures; if it has splits
            and `split` names none of them; or if two levels divide it and the rule names none.
        ArchiveTooLargeError: If the archive exceeds the limits.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "two.zip"
        >>> with zipfile.ZipFile(path, "w") as archive:
        ...     archive.writestr("b/1.pgm", b"P5 2 1 255 " + bytes([0, 200]))
        ...     archive.writestr("a.txt", "no picture")
        >>> [(record.id, record.label, record.pixels().tolist()) for record in zip_records(path)]
        [('b/1.pgm', 'b', [[0, 200]])]
    """
    limits = limits or ZipLimits()
    archive = _opened(path, limits)
    try:
        members, passed_over = _members(archive, limits.picture)
        if not members:
            note = passed_over.sentence(str(path)) or ""
            raise DatasetError(f"{path} should hold pictures, but holds none. {note}")
        choice = Choice.of(str(path), Folders.of(name for name, _ in members), split, rule)
    except BaseException:
        archive.close()
        raise

    def stream() -> Iterable[Record]:
        within = ((name, member) for name, member in members if choice.holds(name))
        return (Record(name, choice.label_of(name), member) for name, member in within)

    notes = choice.notes(passed_over)
    if guessed := guessed_name(archive.infolist()):
        notes.append(
            f"{path} does not say how its names are encoded, and they are not UTF-8: read as code "
            f"page 437, such as {guessed!r}. If that is wrong, pack it again with names in UTF-8."
        )
    return Records(stream, choice.count, notes=notes)


def _members(archive: zipfile.ZipFile, limit: int) -> tuple[list[tuple[str, Member]], PassedOver]:
    """The pictures of an archive by name, sorted, and what else is in it."""
    entries, passed_over = archive.infolist(), PassedOver()
    named = zip(member_names(entries), (Member(archive, e, limit) for e in entries), strict=True)
    ordered = sorted(named, key=lambda member: member[0].split("/"))
    return [(name, m) for name, m in ordered if _is_read(name, m, passed_over)], passed_over


@dataclass(frozen=True, slots=True)
class Member:
    """A picture file in an archive, which stays open while a member of it is referenced."""

    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo
    limit: int

    def read_bytes(self) -> bytes:
        """Unpack the picture; several threads may do so at once.

        Raises:
            ImageError: If the picture cannot be unpacked, or is too large.
        """
        entry = self.entry
        if entry.flag_bits & _ENCRYPTED:
            raise ImageError("encrypted in its archive")
        if entry.compress_type not in _PLAIN:
            raise ImageError("not packed by deflate: pack the archive again by that method")
        if entry.file_size > self.limit:
            raise ImageError(f"a file of {entry.file_size} bytes; at most {self.limit} are read")
        try:
            with self.archive.open(entry) as stream:
                return stream.read(entry.file_size + 1)  # without a bound, any amount is unpacked
        except _DAMAGED as error:
            raise ImageError("damaged in its archive") from error


def _opened(path: Path, limits: ZipLimits) -> zipfile.ZipFile:
    """Open the archive; the length of its list of contents is checked before it is read."""
    try:
        size = _size_of_contents(path)
        if size > limits.entries * _AMPLE_ENTRY:
            raise _too_much(path, f"{size} bytes of names", f"{limits.entries * _AMPLE_ENTRY}")
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DatasetError(
            f"{path} is not a readable zip archive ({error}): copy it again, or pack it again."
        ) from error
    try:
        _refuse_bomb(path, archive, limits)
    except BaseException:
        archive.close()
        raise
    return archive


def _size_of_contents(path: Path) -> int:
    """Size of the list of contents, which `ZipFile` reads whole, in bytes."""
    with path.open("rb") as stream:
        end = zipfile._EndRecData(stream)  # type: ignore[attr-defined]
    if end is None:
        raise zipfile.BadZipFile("it has no list of contents")
    return int(end[zipfile._ECD_SIZE])  # type: ignore[attr-defined]


def _refuse_bomb(path: Path, archive: zipfile.ZipFile, limits: ZipLimits) -> None:
    entries = archive.infolist()
    if len(entries) > limits.entries:
        raise _too_much(path, f"{len(entries)} members", f"{limits.entries}")
    total = sum(entry.file_size for entry in entries)
    if total > limits.bytes:
        raise _too_much(path, f"{total} bytes when unpacked", f"{limits.bytes}")
    growth = total / path.stat().st_size
    if total > limits.free and growth > limits.ratio:
        raise _too_much(
            path, f"{growth:.0f} times its size when unpacked", f"{limits.ratio:g} times"
        )


def _too_much(path: Path, contents: str, limit: str) -> ArchiveTooLargeError:
    return ArchiveTooLargeError(
        f"{path} holds {contents}, but at most {limit} are read: split it, or unpack it yourself."
    )


def _is_read(name: str, member: Member, passed_over: PassedOver) -> bool:
    """Accept the names that `listing` accepts, and count the others."""
    last = name.split("/")[-1]
    if not last:  # a folder
        return False
    if not is_shown(name) or not is_picture(last):
        passed_over.add_file(name)
    elif is_link(member.entry):
        passed_over.add(NOT_FOLLOWED, name)
    elif "." not in last and not _begins_as_picture(member):
        passed_over.add_file(name)
    else:
        return True
    return False


def _begins_as_picture(member: Member) -> bool:
    """Whether a member without an extension is a picture; if it cannot be unpacked, it may be."""
    try:
        return begins_as_picture(member.read_bytes())
    except ImageError:
        return True
