"""Whether a path lies on a network disk, where SQLite's locks cannot be trusted."""

from __future__ import annotations

import os
import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_KINDS = frozenset(
    [
        *("9p", "afs", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "nfs", "nfs4"),
        *("ocfs2", "orangefs", "panfs", "smb3", "smbfs", "wekafs"),
        *("fuse.ceph", "fuse.gcsfuse", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs"),
    ]
)


def network_disk(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """The kind of network disk that a path lies on and may be written to; None for any other.

    Args:
        path: Need not exist.
        mounts: Linux's list of mounts; where there is none, every disk counts as local.
    """
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    target = os.path.realpath(path)
    kind, longest, writable = "", -1, True
    for line in lines:
        before, _, after = line.partition(" - ")
        point = _unescaped(before.split(" ")[4])
        # of two mounts at one place the later one is seen
        if (target + "/").startswith(point.rstrip("/") + "/") and len(point) >= longest:
            kind, longest = after.split(" ")[0], len(point)
            writable = "ro" not in before.split(" ")[5].split(",")
    return kind if kind in _KINDS and writable else None


def _unescaped(point: str) -> str:
    r"""A mount point; blanks and the like are written as \040."""
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), point)
