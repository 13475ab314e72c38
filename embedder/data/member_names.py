"""The names of an archive's members, as those who packed them meant them.

A zip says of a name whether it is UTF-8. Macs and some programs write UTF-8 and do not say so, and
some on Windows part folders by backslashes.
"""

from __future__ import annotations

import zipfile
import zlib

_IS_UTF_8 = 0x800
_UNICODE_PATH = 0x7075  # the extra field of Info-ZIP
_LINK, _KIND = 0o120000, 0o170000


def member_names(entries: list[zipfile.ZipInfo]) -> list[str]:
    r"""Name the members of one archive, parted by forward slashes; a folder's name ends in one.

    Args:
        entries: All of them: one may tell how the others are written.

    Example:
        >>> entry = zipfile.ZipInfo("x")
        >>> entry.filename = "vier\\19.png"
        >>> member_names([entry])
        ['vier/19.png']
    """
    raw = [_raw(entry) for entry in entries]
    is_utf_8 = all(map(_decodes, (name for name in raw if name is not None)))
    names = [
        _unicode_path(entry, name)
        or (name.decode() if name is not None and is_utf_8 else entry.filename)
        for entry, name in zip(entries, raw, strict=True)
    ]
    if not any("/" in name for name in names):
        names = [name.replace("\\", "/") for name in names]
    return [name.removeprefix("./") for name in names]


def guessed_name(entries: list[zipfile.ZipInfo]) -> str | None:
    """A name that may have been meant otherwise, as its encoding is neither told nor UTF-8.

    Args:
        entries: As for `member_names`.
    """
    raw = [(entry, name) for entry in entries if (name := _raw(entry)) is not None]
    if all(_decodes(name) for _, name in raw):
        return None
    return next((e.filename for e, name in raw if _unicode_path(e, name) is None), None)


def is_link(entry: zipfile.ZipInfo) -> bool:
    """Whether a member is a symbolic link, whose content is a path and no picture."""
    return (entry.external_attr >> 16) & _KIND == _LINK


def _raw(entry: zipfile.ZipInfo) -> bytes | None:
    """The bytes of a name whose encoding is not said; None where it is, or makes no difference."""
    if entry.filename.isascii() or entry.flag_bits & _IS_UTF_8:
        return None
    try:
        return entry.filename.encode("cp437")  # which `zipfile` decoded them by
    except UnicodeEncodeError:
        return None


def _decodes(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unicode_path(entry: zipfile.ZipInfo, raw: bytes | None) -> str | None:
    """The name in Info-ZIP's extra field, where it belongs to this very name."""
    extra = entry.extra
    while raw is not None and len(extra) >= 4:
        kind, size = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and field[:1] == b"\1" and _decodes(field[5:]):
            right = int.from_bytes(field[1:5], "little") == zlib.crc32(raw)
            return field[5:].decode() if right else None
    return None
