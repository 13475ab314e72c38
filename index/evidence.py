"""Files that a calibration leaves beside its operating point: distances and content hashes.

The distances from the non-mated queries to their nearest references are the evidence beside a
decision. By the content hashes of its pictures an evaluation notices that it would judge a
threshold by the very pictures that chose it. Each file is named by its content: an operating point
names the file, and a file that was altered no longer fits its name.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.errors import StoreError
from index.storage.files import write_whole
from likewise.arrays import Doubles, Floats

# The fields of an operating point that name a file, and how the file's own name begins.
EVIDENCE = "evidence"  # distances, `(n,)`, float32, ascending
PICTURES = "pictures"  # content hashes, `(n, 16)`, uint8
KINDS = (EVIDENCE, PICTURES)
_WITHOUT = {EVIDENCE: "Ask without evidence", PICTURES: "Judge another operating point"}


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Distances of a calibration's unknowns, which p-values are counted in.

    Attributes:
        name: Of the file that holds them.
        unknown: From each non-mated query to its nearest reference, `(n,)`, float32, ascending.
    """

    name: str
    unknown: Floats

    def p_values(self, distances: Floats) -> Doubles:
        """Count the share of unknowns that come at least as close as each query.

        The empirical p-value (r + 1) / (n + 1), where r of n non-mated queries had a nearest
        reference at most as far. If the query is of no known group, and such as the calibration's
        were, it is at most p in a share p of all cases (Davison and Hinkley, Bootstrap Methods and
        their Application, 1997, 4.2; Vovk, Gammerman and Shafer, Algorithmic Learning in a Random
        World, 2005). It is not the probability that a match is right.

        Args:
            distances: From each query to its nearest reference, any shape, float32.

        Returns:
            Above 0, at most 1, in the shape of `distances`.

        Example:
            >>> evidence = Evidence("a6e2", np.array([0.25, 0.5, 0.75], dtype=np.float32))
            >>> evidence.p_values(np.array([0.1, 0.5, 1.0], dtype=np.float32))
            array([0.25, 0.75, 1.  ])
        """
        closer = np.searchsorted(self.unknown, distances, side="right")
        shares: Doubles = (closer + 1) / (len(self.unknown) + 1)
        return shares


def write_evidence(directory: Path, kind: str, values: npt.NDArray[Any]) -> str:
    """Write an array, durably, and return its name.

    Args:
        directory: Of the gallery.
        kind: One of `KINDS`.
        values: As that kind says.

    Raises:
        OSError: If the file cannot be written.
    """
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    name = _digest(buffer.getvalue())
    path = evidence_path(directory, kind, name)
    write_whole(path, buffer.getvalue())
    return name


def read_evidence(directory: Path, kind: str, name: str) -> npt.NDArray[Any]:
    """Read what `write_evidence` wrote.

    Raises:
        StoreError: If the file is missing or altered; the text names it.
    """
    path = evidence_path(directory, kind, name)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"Cannot read the evidence of the calibration, '{path}': {error.strerror or error}. "
            f"{_WITHOUT[kind]}, or calibrate again."
        ) from error
    if _digest(content) != name:
        raise StoreError(
            f"'{path}' was altered: its content does not match its name. Calibrate again."
        )
    values: npt.NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    return values


def evidence_path(directory: Path, kind: str, name: str) -> Path:
    """Where the file of this kind and name lies."""
    return directory / f"{kind}-{name}.npy"


def drop_evidence(directory: Path, *, keep: Iterable[tuple[str, str]]) -> None:
    """Remove files that no operating point names any more, and drafts of a killed writer.

    To be called by the one writer. A file that cannot be removed is no loss.

    Args:
        directory: Of the gallery.
        keep: Kind and name of each file that an operating point names.
    """
    kept = {evidence_path(directory, kind, name) for kind, name in keep}
    for kind in KINDS:
        drafts = directory.glob(f".{kind}-*.npy.*")
        for path in {*directory.glob(f"{kind}-*.npy"), *drafts} - kept:
            with contextlib.suppress(OSError):
                path.unlink()


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
