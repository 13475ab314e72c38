"""The cells of a gallery on disk, `vectors.cells`: centroids, and the cell of each row.

Derived like `vectors.faiss`, and valid only beside the one with the same mark. A wrong file could
make a search slower, never its answer wrong: all bounds are computed from the vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.search.headed import read_headed, write_headed
from index.search.note import Mark
from likewise.arrays import Floats, Indices

CELLS = "vectors.cells"


@dataclass(frozen=True, slots=True, eq=False)
class KeptCells:
    """What the file holds.

    Attributes:
        trained: Number of rows when the centroids were made.
        gain: How many times as long a flat search took then.
        centroids: `(c, dim)`, float32; none where cells do not pay.
        cell: The cell of each row, `(n,)`, from 0 to c - 1, and -1 for a row that has none yet;
            empty where cells do not pay.
    """

    trained: int
    gain: float
    centroids: Floats
    cell: Indices


def write_kept(directory: Path, mark: Mark, kept: KeptCells) -> None:
    """Write the cells of a gallery, durably.

    Args:
        directory: The gallery's directory.
        mark: Which rows they are of.
        kept: What to write.

    Raises:
        OSError: If it cannot be written.
    """
    content = kept.centroids.astype("<f4").tobytes() + kept.cell.astype("<i4").tobytes()
    fields = {
        "trained": kept.trained,
        "gain": kept.gain,
        "centroids": kept.centroids.shape,
        "rows": len(kept.cell),
    }
    write_headed(directory / CELLS, mark, fields, content)


def read_kept(directory: Path, mark: Mark | None = None) -> KeptCells | None:
    """Read the cells of a gallery; None if they are missing, damaged or of another format.

    Args:
        directory: The gallery's directory.
        mark: Which rows they must be of; None for any.
    """
    try:
        read = read_headed(directory / CELLS, mark)
        if read is None:
            return None
        head, content = read
        (count, dim), rows = head["centroids"], head["rows"]
        centroids = np.frombuffer(content, "<f4", count * dim).reshape(count, dim)
        cell = np.frombuffer(content, "<i4", rows, offset=centroids.nbytes).astype(np.int64)
        kept = KeptCells(int(head["trained"]), float(head["gain"]), centroids, cell)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    fits = not rows or (cell.min() >= -1 and cell.max() < count)
    return kept if fits and np.isfinite(centroids).all() else None
