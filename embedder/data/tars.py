"""Pictures in a tar archive, plain or packed: a shard of webdataset, or a folder.

In a shard, the files of one picture have the same name up to the first dot: `000001.png` and
`000001.cls`, whose text is the label, or `000001.json` with a `label`. Any other archive is read
as the folder that was packed. Of several members of one name the last stands, as unpacking leaves
it: `tar -r` and `tar -u` add a newer one behind. Nothing is unpacked to the disk; links, devices
and files with holes are passed over.
"""

from __future__ import annotations

import json
import lzma
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from embedder.data.choice import Choice
from embedder.data.containers import HEAD, is_tar
from embedder.data.label_rule import AUTOMATIC, LabelRule
from embedder.data.labels import as_label
from embedder.data.levels import Folders
from embedder.data.listing import is_picture
from embedder.data.passed_over import NOT_FOLLOWED, SPECIAL, PassedOver, Reason, is_shown
from embedder.data.records import EncodedBytes, Record, Records
from embedder.errors import ArchiveTooLargeError, DatasetError, ImageError

_DAMAGED = (tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)
_LABELS = (".cls", ".cls.txt", ".label", ".label.txt", ".json")
_LARGEST_LABEL = 1 << 16  # bytes
_LARGEST_PICTURE = 1 << 30
_MOST_MEMBERS = 1_000_000
_REPLACED: Reason = ("picture", ", replaced by a later one of the same name")
_SPARSE: Reason = ("file", " with holes: pack it without tar's -S")


@dataclass(frozen=True, slots=True)
class _Span:
    """A picture file in a plain archive."""

    path: Path
    start: int
    size: int

    def read_bytes(self) -> bytes:
        if self.size > _LARGEST_PICTURE:
            raise ImageError(f"a file of {self.size} bytes; at most {_LARGEST_PICTURE} are read")
        try:
            with self.path.open("rb") as stream:
                stream.seek(self.start)
                return stream.read(self.size)
        except OSError as error:
            raise ImageError("cannot be read in its archive") from error


@dataclass(frozen=True, slots=True)
class _Contents:
    """What an archive holds."""

    names: dict[str, int]  # of the pictures, with the last member of each, by its number
    labels: dict[str, str | None]  # by the part of a picture's name before its first dot
    passed_over: PassedOver


def tar_records(path: Path, split: str | None = None, rule: LabelRule = AUTOMATIC) -> Records:
    """Stream the pictures of a tar archive, in the archive's order.

    Args:
        path: The archive, plain or packed by gzip, bzip2 or xz.
        split: Read only the pictures of this part, such as `train`.
        rule: Where labels stand, if not beside the pictures or on the level that divides.

    Returns:
        Records whose ids are the names of the members; of equal names the last.

    Raises:
        DatasetError: If the archive is damaged or holds no picture; or as for a folder.
        ArchiveTooLargeError: If the archive holds more than a million members.

    Example:
        >>> import io, tempfile
        >>> path = Path(tempfile.mkdtemp()) / "shard.tar"
        >>> with tarfile.open(path, "w") as archive:
        ...     for name, content in (("1.pgm", b"P5 2 1 255 01"), ("1.cls", b"7")):
        ...         member = tarfile.TarInfo(name)
        ...         member.size = len(content)
        ...         archive.addfile(member, io.BytesIO(content))
        >>> [(record.id, record.label) for record in tar_records(path)]
        [('1.pgm', '7')]
    """
    contents = _listed(path)
    if not contents.names:
        note = contents.passed_over.sentence(str(path)) or ""
        raise DatasetError(f"{path} should hold pictures, but holds none. {note}")
    beside = bool(contents.labels) and not rule.is_explicit and split is None
    folders = Folders.of(contents.names)
    choice = None if beside else Choice.of(str(path), folders, split, rule)

    def stream() -> Iterator[Record]:
        for name, picture in _pictures(path, contents.names):
            if choice is None:
                yield Record(name, contents.labels.get(_key(name)), picture)
            elif choice.holds(name):
                yield Record(name, choice.label_of(name), picture)

    if choice is None:
        sentence = contents.passed_over.sentence(str(path))
        return Records(stream, len(contents.names), notes=[sentence] if sentence else [])
    return Records(stream, choice.count, notes=choice.notes(contents.passed_over))


def _listed(path: Path) -> _Contents:
    """Read the names of all pictures, and the labels stored beside them."""
    contents = _Contents({}, {}, PassedOver())
    files: dict[str, str] = {}  # names of those that hold labels
    for number, (archive, member) in enumerate(_members(path)):
        name = _name(member)
        if not member.isfile() or member.issparse():
            if not member.isdir():
                contents.passed_over.add(_reason(member), name)
        elif _is_read(name):
            if name in contents.names:
                contents.passed_over.add(_REPLACED, name)
            contents.names[name] = number
        elif (ending := _ending(name)).endswith(_LABELS) and member.size <= _LARGEST_LABEL:
            label = _label(_content(path, archive, member), ending)
            if label is not None:
                contents.labels[_key(name)], files[_key(name)] = label, name
            elif ending.endswith(".json"):
                contents.passed_over.add_file(name)
        else:
            contents.passed_over.add_file(name)
    for key in files.keys() - set(map(_key, contents.names)):  # beside no picture, as a README
        del contents.labels[key]
        contents.passed_over.add_file(files[key])
    return contents


def _reason(member: tarfile.TarInfo) -> Reason:
    """Why a member that is neither a folder nor a plain file is passed over."""
    if member.issym() or member.islnk():
        return NOT_FOLLOWED
    return _SPARSE if member.issparse() else SPECIAL


def _pictures(path: Path, names: Mapping[str, int]) -> Iterator[tuple[str, _Span | EncodedBytes]]:
    with path.open("rb") as stream:
        plain = tarfile.is_tarfile(stream) and _is_plain(path)
    for number, (archive, member) in enumerate(_members(path)):
        name = _name(member)
        if names.get(name) != number:
            continue
        if plain or member.size > _LARGEST_PICTURE:
            yield name, _Span(path, member.offset_data, member.size)
        else:
            yield name, EncodedBytes(_content(path, archive, member))


def _members(path: Path) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """Read an archive from start to end."""
    with _reading(path), tarfile.open(path, "r:*", tarinfo=_Member) as archive:
        for number, member in enumerate(archive):
            if number >= _MOST_MEMBERS:
                raise ArchiveTooLargeError(
                    f"{path} holds more members than the {_MOST_MEMBERS} that are read: split it."
                )
            archive.members = []  # type: ignore[attr-defined] # or all would stay in memory
            yield archive, member
        _refuse_more(archive)


def _content(path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    with _reading(path):
        file = archive.extractfile(member)
        return file.read() if file else b""


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Refuse an archive that turns out to be damaged."""
    try:
        yield
    except _DAMAGED as error:
        why = str(error).partition(":\n")[0]  # where nothing opens it, each way has a line
        raise DatasetError(
            f"{path} is not a readable tar archive ({why}): copy it again, or pack it again."
        ) from error


class _Member(tarfile.TarInfo):
    """A member's header; `tarfile` itself takes one that it cannot read for the archive's end."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined] # the blocks of zeros at the end
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"it is cut off or damaged: {error}") from error


def _refuse_more(archive: tarfile.TarFile) -> None:
    """Refuse what stands after an archive's end, as where two archives were joined."""
    assert archive.fileobj is not None
    while block := archive.fileobj.read(1 << 20):
        if block.strip(b"\0"):
            raise tarfile.ReadError("more stands after its end, as where two archives were joined")


def _is_plain(path: Path) -> bool:
    with path.open("rb") as stream:
        return is_tar(stream.read(HEAD))


def _name(member: tarfile.TarInfo) -> str:
    return member.name.removeprefix("./")


def _is_read(name: str) -> bool:
    """Accept files that have a picture's file extension and are not hidden."""
    return is_shown(name) and "." in name.rpartition("/")[2] and is_picture(name)


def _key(name: str) -> str:
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition('.')[0]}"


def _ending(name: str) -> str:
    _, dot, ending = name.rpartition("/")[2].partition(".")
    return f"{dot}{ending}".lower()


def _label(content: bytes, ending: str) -> str | None:
    text = content.decode("utf-8-sig", "backslashreplace")
    if not ending.endswith(".json"):
        return as_label(text)
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    value = next((fields[name] for name in ("label", "cls", "class") if name in fields), None)
    return None if isinstance(value, list | dict) else as_label(value)
