"""How near each picture that is asked comes to each group of the gallery, by one search."""

from __future__ import annotations

import numpy as np

from index.search.by_group import set_apart
from likewise.arrays import Floats
from likewise.evaluation.asked import Asked
from likewise.metrics.searches import Mated, NonMated


class Searched:
    """Distances of n pictures to g groups.

    Each picture of a group that the gallery has is two queries: a mated one, and with its own
    group left out a non-mated one.

    Attributes:
        names: The groups, g.
        distances: To the nearest reference of each, `(n, g)`.
        columns: Each picture's own group, `(n,)`; -1 for an unknown.
        known: Rows of the m mated queries, ascending.
        mated: What they found.
        limits: Of the operating point that is judged.
        point: Its name.
    """

    def __init__(self, asked: Asked, at: str | None) -> None:
        gallery = asked.matcher.gallery
        self.asked = asked
        self.point, _ = gallery.point(at)
        self.limits = gallery.rule(at).limits
        self.names, self.distances = gallery.nearest_by_group(asked.vectors)
        code = {name: column for column, name in enumerate(self.names)}
        labels = [record.label for record in asked.records]
        self.columns = np.array(
            [-1 if label is None else code.get(label, -1) for label in labels], np.intp
        )
        self.known = np.flatnonzero(self.columns >= 0)
        if not len(self.known):
            raise ValueError(
                f"Expected pictures of the gallery's groups, but none of {len(labels)} has "
                "such a label. Give labelled pictures of them."
            )
        own, others = set_apart(self.distances[self.known], self.columns[self.known])
        self.mated = Mated(own, others.min(axis=1), [str(labels[row]) for row in self.known])
        self._others = others

    @property
    def left_out(self) -> NonMated:
        """The mated queries without their own group; none in a gallery of one group."""
        return self._nearest(self._others[np.isfinite(self.mated.other)])

    @property
    def strangers(self) -> NonMated:
        """Pictures of groups that the gallery has not, and those given as unknown."""
        return self._nearest(self.distances[self.columns < 0])

    @property
    def unknown(self) -> NonMated:
        """All non-mated queries."""
        return NonMated.pooled([self.left_out, self.strangers])

    def said(self) -> list[str | None]:
        """What the nearest reference answers for each mated query; None beyond the threshold."""
        found = self._nearest(self.distances[self.known])
        within = found.matched(self.limits)
        return [name if near else None for name, near in zip(found.labels, within, strict=True)]

    def _nearest(self, distances: Floats) -> NonMated:
        labels = [self.names[column] for column in distances.argmin(axis=1)]
        return NonMated(distances.min(axis=1), labels)
