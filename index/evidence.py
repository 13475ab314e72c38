"""Files of a calibration: the distances of its unknowns and its pictures' content hashes.

The distances from non-mated queries to their nearest references give a decision's p-value. The
content hashes let an evaluation refuse to judge a threshold by the pictures that chose it. Each
file is named after its content, so an altered file no longer matches its name.
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
from numpy.lib.format import read_array

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
    """Distances of a calibration's unknowns, the basis of p-values.

    Attributes:
        name: Name of their file.
        unknown: Distance from each non-mated query to its nearest reference, `(n,)`, float32,
            ascending.
    """

    name: str
    unknown: Floats

    def p_values(self, distances: Floats) -> Doubles:
        """Count the share of unknowns that come at least as close as each query.

        The empirical p-value (r + 1) / (n + 1), where r of n non-mated queries had a nearest
        reference at most as far. For an unknown query like the calibration's it is at most p in a
        share p of all cases (Davison and Hinkley, Bootstrap Methods and their Application, 1997,
        4.2; Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005). It is not
        the probability that a match is right.

        Args:
            distances: Distance of each query to its nearest reference, any shape, float32.

        Returns:
            p-values above 0 and at most 1, in the shape of `distances`.

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
        directory: The gallery's directory.
        kind: One of `KINDS`.
        values: Array of the shape and dtype of that kind.

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

    Args:
        directory: The gallery's directory.
        kind: One of `KINDS`.
        name: The name that `write_evidence` returned.

    Returns:
        The array that was written.

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
    try:
        values: npt.NDArray[Any] = read_array(io.BytesIO(content), allow_pickle=False)
        fits = _FITS[kind](values)
    except (ValueError, EOFError, TypeError, SyntaxError, MemoryError, OverflowError):
        fits = False
    if not fits:
        raise StoreError(f"'{path}' does not hold the {kind} of a calibration. Calibrate again.")
    return values


def _are_distances(values: npt.NDArray[Any]) -> bool:
    return (
        values.dtype == np.float32
        and values.ndim == 1
        and bool((values >= 0).all())
        and bool((np.diff(values) >= 0).all())
    )


def _are_hashes(values: npt.NDArray[Any]) -> bool:
    return values.dtype == np.uint8 and values.ndim == 2 and values.shape[1] == 16


_FITS = {EVIDENCE: _are_distances, PICTURES: _are_hashes}


def evidence_path(directory: Path, kind: str, name: str) -> Path:
    """Path of the file of this kind and name.

    Args:
        directory: The gallery's directory.
        kind: One of `KINDS`.
        name: The name that `write_evidence` returned.
    """
    return directory / f"{kind}-{name}.npy"


def drop_evidence(directory: Path, *, keep: Iterable[tuple[str, str]]) -> None:
    """Remove files that no operating point names.

    Call it as the only writer. A file that cannot be removed does no harm.

    Args:
        directory: The gallery's directory.
        keep: Kind and name of each file that an operating point names.
    """
    named = {evidence_path(directory, kind, name) for kind, name in keep}
    for kind in KINDS:
        for path in set(directory.glob(f"{kind}-*.npy")) - named:
            with contextlib.suppress(OSError):
                path.unlink()


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
