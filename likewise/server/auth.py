"""API keys: reading them, and what each allows. Compared in constant time.

Without keys the server is for this machine only: it answers only to loopback names, which prevents
DNS rebinding, and only to its own pages.
"""

from __future__ import annotations

import hmac
import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from embedder.data.encodings import text_encoding
from likewise.errors import LikewiseError

READ_VARIABLE, WRITE_VARIABLE = "LIKEWISE_READ_KEYS", "LIKEWISE_WRITE_KEYS"
_LEAST = 16  # characters, too many to guess
_COMMENT = re.compile(r"(?:^|\s)#")  # a key may hold a #


class Access(IntEnum):
    """What a request may do; each includes those before it."""

    NONE = 0
    READ = 1
    WRITE = 2


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one server.

    Attributes:
        read: Keys for queries.
        write: Keys for queries and changes.

    Example:
        >>> keys = Keys(read=("a-key-that-may-ask",), write=("a-key-that-may-change",))
        >>> keys.access("a-key-that-may-ask").name, keys.access("guessed").name
        ('READ', 'NONE')
    """

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()

    def access(self, key: str | None) -> Access:
        """What a key allows."""
        sent = (key or "").encode()
        may_read, may_write = (_among(sent, keys) for keys in (self.read, self.write))
        return Access.WRITE if may_write else Access.READ if may_read else Access.NONE


def read_keys(path: Path | None, environment: Mapping[str, str]) -> Keys | None:
    """Read keys from a file and the environment; None if neither is set.

    Args:
        path: Lines `read KEY` and `write KEY`; `#` starts a comment. None for no file.
        environment: Environment variables; two of them hold comma-separated keys.

    Raises:
        LikewiseError: If the file cannot be read or is none, others can read it, or a key is too
            short; if key settings are present but empty.
    """
    lines = [] if path is None else _lines(path)
    named = [str(path)] if path is not None else []
    named += [name for name in (READ_VARIABLE, WRITE_VARIABLE) if name in environment]
    for kind, variable in (("read", READ_VARIABLE), ("write", WRITE_VARIABLE)):
        keys = environment.get(variable, "").split(",")
        lines += [(variable, kind, key.strip()) for key in keys if key.strip()]
    if named and not lines:
        raise LikewiseError(
            f"Expected at least one key in {' or '.join(named)}, but there is none: without keys "
            "everybody on this machine may change the gallery."
        )
    for where, _, key in lines:
        if len(key) < _LEAST or not key.isascii() or not key.isprintable():
            raise LikewiseError(
                f"{where}: a key must have at least {_LEAST} printable ASCII characters, but this "
                "one has not. Make one with: openssl rand -hex 24"
            )
    read, write = (
        tuple(key for _, kind, key in lines if kind == wanted) for wanted in ("read", "write")
    )
    return Keys(read, write) if lines else None


def _lines(path: Path) -> list[tuple[str, str, str]]:
    """Location, kind and text of each key."""
    _require_file(path)
    try:
        if os.name == "posix" and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            raise LikewiseError(f"{path} can be read by others: chmod 600 {path}")
        content = path.read_bytes()
        text = content.decode(text_encoding(content))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise LikewiseError(f"The keys in {path} cannot be read: {reason}.") from error
    keys = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = _COMMENT.split(line)[0].split()
        if words and (len(words) != 2 or words[0] not in ("read", "write")):
            raise LikewiseError(f"{path}, line {number}: expected `read KEY` or `write KEY`.")
        keys += [(f"{path}, line {number}", words[0], words[1])] if words else []
    return keys


def _require_file(path: Path) -> None:
    """Refuse a folder, and a pipe, which might be waited for without end."""
    if os.path.exists(path) and not os.path.isfile(path):
        kind = "a folder" if os.path.isdir(path) else "a pipe or a device"
        raise LikewiseError(
            f"Expected a file of keys, but {path} is {kind}: name a file, or set {READ_VARIABLE} "
            f"and {WRITE_VARIABLE}."
        )


def _among(sent: bytes, keys: Iterable[str]) -> bool:
    """Whether a key is among these; all are compared, so timing reveals nothing."""
    equal = [hmac.compare_digest(sent, key.encode()) for key in keys]
    return any(equal)
