"""What is known of cells without their rows: where they lie, how wide they are, and coordinates.

This is all that decides which cells a query has to look at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from likewise.arrays import Doubles, Floats, Indices

_AXES = 23  # principal coordinates; with the length of the rest 24 numbers
_LIKE_AXES = 24  # dimensions up to which vectors are as short as they are
_SAMPLE, _MEDIAN_OF = 20_000, 2_000  # rows that choose the axes, and the centre


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Coordinates that keep most of the distances.

    Attributes:
        centre: The origin, `(dim,)`.
        axes: Orthonormal columns, `(dim, m)`, m < dim, or None for all coordinates as they are.
    """

    centre: Doubles
    axes: Doubles | None

    @classmethod
    def of(cls, vectors: Floats) -> Frame:
        """The principal axes of vectors, `(n, dim)`."""
        step = max(1, len(vectors) // _SAMPLE)
        sample = vectors[::step].astype(np.float64)
        centre = np.median(sample[:_MEDIAN_OF], axis=0)  # which one long vector does not move
        if vectors.shape[1] <= _LIKE_AXES:
            return cls(centre, None)
        sample -= centre
        sample /= max(float(np.abs(sample).max(initial=0)), 1e-300)  # products of 1e-30 vanish
        _, axes = np.linalg.eigh(sample.T @ sample)
        return cls(centre, axes[:, : -_AXES - 1 : -1].copy())

    def short(self, vectors: Floats) -> tuple[Doubles, Doubles]:
        """The coordinates of vectors, `(n, m + 1)`, and their distances to the centre, `(n,)`.

        Two of these differ by at most what the vectors differ by, but for `error`.
        """
        gaps = vectors - self.centre
        squares = np.einsum("nd,nd->n", gaps, gaps)
        if self.axes is None:
            return gaps, np.sqrt(squares)
        # NumPy's BLAS keeps small products on one thread.
        parts = [gaps[start : start + 128] @ self.axes for start in range(0, len(gaps), 128)]
        main = np.concatenate(parts) if parts else np.empty((0, self.axes.shape[1]))
        rest = squares - np.einsum("nm,nm->n", main, main)
        return np.column_stack([main, np.sqrt(np.maximum(rest, 0))]), np.sqrt(squares)

    def short_of(self, vector: Floats) -> tuple[Doubles, float]:
        """The coordinates of one vector, `(m + 1,)`, and its distance to the centre; as `short`."""
        gaps = vector - self.centre
        square = float(gaps @ gaps)
        if self.axes is None:
            return gaps, square**0.5
        main = gaps @ self.axes
        return np.append(main, max(square - float(main @ main), 0.0) ** 0.5), square**0.5

    @property
    def error(self) -> float:
        """How much too large distances of short vectors may be, relative to `far`.

        Squares err by at most dim · 2⁻⁵⁰ of theirs, so roots by √dim · 2⁻²⁵; and short vectors are
        rounded to float32.
        """
        return float(np.sqrt(len(self.centre))) * 2.0**-24


class Outline:
    """Cells without their rows.

    Args:
        centroids: `(c, dim)`, float32.
        frame: The coordinates of short vectors.

    Attributes:
        centroids: `(c, dim)`, float32.
        squares: Their squared lengths, `(c,)`, float32.
        frame: The same.
        origins: The centroids in short, `(c, m)`, float32.
        counts: How many rows are in each cell, `(c,)`.
        radius: Largest distance of a row to the centroid, `(c,)`.
        spread: Largest length of a row in short, less the centroid, `(c,)`.
        far: Largest distance of a row to the centre, `(c,)`.
    """

    def __init__(self, centroids: Floats, frame: Frame) -> None:
        count = len(centroids)
        self.centroids = np.ascontiguousarray(centroids)
        self.squares = np.einsum("cd,cd->c", self.centroids, self.centroids)
        self.frame = frame
        self.origins: Floats = frame.short(self.centroids)[0].astype(np.float32)
        self.counts: Indices = np.zeros(count, np.int64)
        self.radius, self.spread, self.far = np.zeros(count), np.zeros(count), np.zeros(count)
