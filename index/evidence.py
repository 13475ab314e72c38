"""What unknowns looked like when a threshold was calibrated: evidence beside a decision.

The distances from the calibration's non-mated queries to their nearest references lie in a file of
their own, named by its content: an operating point names the file, and a file that was altered no
longer fits its name. It is read when it is first asked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Collection
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.errors import StoreError

Floats = npt.NDArray[np.float32]

EVIDENCE = "evidence"  # the field of an operating point that names the file


def write_evidence(directory: Path, distances: Floats) -> str:
    """Write the distances of non-mated queries, durably; give the name to ask for them by.

    Args:
        directory: Of the gallery.
        distances: `(n,)`, float32, in any order.

    Raises:
        OSError: If the file cannot be written.
    """
    buffer = io.BytesIO()
    np.save(buffer, np.sort(distances).astype("<f4"), allow_pickle=False)
    name = _digest(buffer.getvalue())
    path = evidence_path(directory, name)
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        with open(draft, "xb") as file:
            file.write(buffer.getvalue())
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return name


def read_evidence(directory: Path, name: str) -> Floats:
    """Read what `write_evidence` wrote, ascending.

    Raises:
        StoreError: If the file is missing or altered; the text names it.
    """
    path = evidence_path(directory, name)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"Cannot read the evidence of the calibration, '{path}': {error.strerror or error}. "
            "Ask without evidence, or calibrate again."
        ) from error
    if _digest(content) != name:
        raise StoreError(
            f"'{path}' was altered: its content does not fit its name. Calibrate again."
        )
    distances: Floats = np.load(io.BytesIO(content), allow_pickle=False).astype(np.float32)
    return distances


def evidence_path(directory: Path, name: str) -> Path:
    """Where the evidence of this name lies."""
    return directory / f"evidence-{name}.npy"


def drop_evidence(directory: Path, *, keep: Collection[str | None]) -> None:
    """Remove files that no operating point names any more, and what a killed writer left of one.

    To be called by the one writer. A file that cannot go is no loss.
    """
    kept = {evidence_path(directory, name) for name in keep if name}
    drafts = directory.glob(".evidence-*.npy.*")
    for path in {*directory.glob("evidence-*.npy"), *drafts} - kept:
        with contextlib.suppress(OSError):
            path.unlink()


def p_values(unknown: Floats, distances: Floats) -> npt.NDArray[np.float64]:
    """Give the share of unknowns that come at least as close as each query.

    The empirical p-value (r + 1) / (n + 1), where r of n non-mated queries had a nearest reference
    at most as far. If the query is of no known group, and such as the calibration's were, it is at
    most p in a share p of all cases (Davison and Hinkley, Bootstrap Methods and their Application,
    1997, 4.2; Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005). It is not
    the probability that a match is right.

    Args:
        unknown: `(n,)`, float32, ascending.
        distances: From each query to its nearest reference, any shape, float32.

    Returns:
        Above 0, at most 1, in the shape of `distances`.

    Example:
        >>> unknown = np.array([0.25, 0.5, 0.75], dtype=np.float32)
        >>> p_values(unknown, np.array([0.1, 0.5, 1.0], dtype=np.float32))
        array([0.25, 0.75, 1.  ])
    """
    closer = np.searchsorted(unknown, distances, side="right")
    shares: npt.NDArray[np.float64] = (closer + 1) / (len(unknown) + 1)
    return shares


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
