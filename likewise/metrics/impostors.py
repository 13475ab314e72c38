"""Non-mated pairs: a query beside references of other groups, for the one-to-one error rate FMR.

    FMR(t) = pairs of two groups whose distance is at most t / pairs of two groups

(ISO/IEC 19795-1). All pairs would be too many, so a number of references is drawn for each query.
Pairs that share an image are not independent: see `bootstrap`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from likewise.arrays import Floats, Indices
from likewise.metrics.bootstrap import bootstrap_by_image
from likewise.metrics.groups import rows_by_group
from likewise.metrics.pairs import exact_distances

REFERENCES = 100  # drawn for each query


class Impostors:
    """Distances of non-mated pairs, collected query by query.

    Args:
        labels: Groups of the m references.
        vectors: Embeddings of the references, `(m, dim)`, float32.
        references: How many are drawn for each query, evenly over the groups; all of the other
            groups' where they are fewer.
        seed: The same seed draws the same pairs.

    Example:
        >>> pairs = Impostors(["a", "b"], np.eye(2, dtype=np.float32))
        >>> pairs.add(["a", None], np.zeros((2, 2), dtype=np.float32))
        >>> pairs.distances  # a beside b; an unknown beside both
        array([1., 1., 1.], dtype=float32)
    """

    def __init__(
        self,
        labels: Sequence[str],
        vectors: Floats,
        *,
        references: int = REFERENCES,
        seed: int = 0,
    ) -> None:
        self._vectors = vectors
        groups = rows_by_group(labels)
        self._order = np.concatenate([np.empty(0, np.int64), *groups.values()])  # group by group
        ends = np.cumsum([len(rows) for rows in groups.values()]).tolist()
        self._spans = dict(zip(groups, pairwise([0, *ends]), strict=True))
        self._references = references
        self._rng = np.random.default_rng(seed)
        self._count = 0
        self._distances: list[Floats] = []
        self._queries: list[Indices] = []
        self._rows: list[Indices] = []

    def add(self, labels: Sequence[str | None], vectors: Floats) -> None:
        """Pair each query with references of other groups.

        Args:
            labels: Groups of the n queries; None, or one that no reference has, for an unknown.
            vectors: `(n, dim)`, float32.
        """
        own: dict[str | None, list[int]] = {}
        for place, label in enumerate(labels):
            own.setdefault(label if label in self._spans else None, []).append(place)
        for label, places in own.items():
            start, stop = (0, 0) if label is None else self._spans[label]
            others = len(self._order) - (stop - start)
            if not others:
                continue
            drawn = self._drawn(others, len(places))
            rows = self._order[np.where(drawn < start, drawn, drawn + stop - start)]
            queries = np.repeat(np.array(places, np.int64), rows.shape[1])
            self._distances.append(exact_distances(self._vectors, rows.ravel(), vectors, queries))
            self._queries.append(queries + self._count)
            self._rows.append(rows.ravel())
        self._count += len(labels)

    @property
    def distances(self) -> Floats:
        """Distances of all pairs so far, `(p,)`, float32."""
        return np.concatenate([np.empty(0, np.float32), *self._distances])

    def interval(self, threshold: float) -> tuple[float, float]:
        """Bound the FMR at a threshold, by bootstrap over the queries and the references."""
        queries, rows = np.concatenate(self._queries), np.concatenate(self._rows)
        return bootstrap_by_image(self.distances.astype(np.float64) <= threshold, queries, rows)

    def _drawn(self, rows: int, queries: int) -> Indices:
        """For each query one row from each of as many equal shares of the rows; none twice."""
        count = min(self._references, rows)
        edges = np.arange(count + 1) * rows // count
        places = edges[:-1] + self._rng.random((queries, count)) * np.diff(edges)
        return places.astype(np.int64)
