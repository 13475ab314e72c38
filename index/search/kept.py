"""Cells and bundles of a gallery on disk, `vectors.cells`: which are whose, and the centroids.

Derived like `vectors.faiss`, and valid only beside the one with the same mark. A wrong file could
make a search slower, never its answer wrong: all bounds are computed from the vectors.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from index.search.headed import read_headed, write_headed
from index.search.mark import Mark
from likewise.arrays import Bools, Floats, Indices

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
        bundle_gain: How many times as long a flat search took as one by bundles; None if not
            measured.
        bundle: A number for the bundle of each row, `(n,)`, 0 or more; empty where cells gain as
            much.
    """

    trained: int
    gain: float
    centroids: Floats
    cell: Indices
    bundle_gain: float | None = None
    bundle: Indices = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def of_none(cls, trained: int, gain: float, bundle_gain: float | None) -> KeptCells:
        """What was measured, without cells and bundles.

        Args:
            trained: Number of rows then.
            gain: As the attribute.
            bundle_gain: As the attribute.
        """
        none = np.empty((0, 0), np.float32), np.empty(0, np.int64)
        return cls(trained, gain, *none, bundle_gain)

    def without_cells(self) -> KeptCells:
        """The same but for the cells."""
        none = self.of_none(self.trained, self.gain, self.bundle_gain)
        return replace(none, bundle=self.bundle)

    def appended(self, count: int) -> KeptCells:
        """The same with further rows, of no cell yet, and each alone in its bundle."""
        cell, bundle = self.cell, self.bundle
        if len(self.centroids):
            cell = np.concatenate([cell, np.full(count, -1)])
        if len(bundle):
            bundle = np.concatenate([bundle, bundle.max() + 1 + np.arange(count)])
        return replace(self, cell=cell, bundle=bundle)

    def only(self, kept: Bools) -> KeptCells:
        """The same of the rows that are `kept`, `(n,)`."""
        cell = self.cell[kept] if len(self.centroids) else self.cell
        return replace(self, cell=cell, bundle=self.bundle[kept] if len(self.bundle) else cell[:0])


def write_kept(directory: Path, mark: Mark, kept: KeptCells) -> None:
    """Write the cells of a gallery, durably.

    Args:
        directory: The gallery's directory.
        mark: Which rows they are of.
        kept: What to write.

    Raises:
        OSError: If it cannot be written.
    """
    numbers = (part.astype("<i4").tobytes() for part in (kept.cell, kept.bundle))
    content = kept.centroids.astype("<f4").tobytes() + b"".join(numbers)
    fields = {
        "trained": kept.trained,
        "gain": kept.gain,
        "centroids": kept.centroids.shape,
        "rows": len(kept.cell),
        "bundle_gain": kept.bundle_gain,
        "bundled": len(kept.bundle),
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
        # Of a file by a version without bundles, the cells are used until both are made.
        bundle_gain, bundled = head.get("bundle_gain"), head.get("bundled", 0)
        start = centroids.nbytes + 4 * rows
        bundle = np.frombuffer(content, "<i4", bundled, offset=start).astype(np.int64)
        gain = None if bundle_gain is None else float(bundle_gain)
        kept = KeptCells(int(head["trained"]), float(head["gain"]), centroids, cell, gain, bundle)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    fits = not rows or (cell.min() >= -1 and cell.max() < count)
    fits = fits and (not bundled or bundle.min() >= 0)
    return kept if fits and np.isfinite(centroids).all() else None
