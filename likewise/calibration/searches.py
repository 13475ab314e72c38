"""Searches of a calibration, collected batch by batch."""

from __future__ import annotations

from collections.abc import Sequence

from index.gallery import Gallery
from likewise.arrays import Floats
from likewise.folds import Folds
from likewise.metrics.impostors import Impostors
from likewise.metrics.searches import Mated, NonMated
from likewise.queries import GIVEN, LEFT_OUT, MADE, GroupDistances, Progress

_OWN_AT_ONCE = 8192


class Searches:
    """Mated queries, non-mated queries by kind and, for an FMR, pairs of two groups.

    Args:
        gallery: The gallery that is searched.
        pairs: Whether to draw pairs of two groups.
    """

    def __init__(self, gallery: Gallery, *, pairs: bool) -> None:
        self._gallery = gallery
        self._mated: list[Mated] = []
        self._kinds: dict[str, list[NonMated]] = {LEFT_OUT: [], GIVEN: [], MADE: []}
        self.pairs: Impostors | None = None
        if pairs:
            _, labels, vectors = gallery.labelled_references()
            self.pairs = Impostors(labels.tolist(), vectors)

    def add(
        self,
        vectors: Floats,
        labels: Sequence[str | None],
        *,
        skip: Sequence[str] | None = None,
    ) -> None:
        """Search further queries.

        Args:
            vectors: Embeddings, `(n, dim)`, float32.
            labels: The queries' groups, n; one that the gallery has not makes an unknown.
            skip: Id of the reference that is left out for each query, n.
        """
        if self.pairs is not None:
            self.pairs.add(labels, vectors)
        self._collect(GroupDistances.search(self._gallery, vectors, labels, skip=skip))

    def _collect(self, searched: GroupDistances) -> None:
        self._mated.append(searched.mated)
        self._kinds[LEFT_OUT].append(searched.left_out)
        self._kinds[GIVEN].append(searched.strangers)

    def add_made(self, vectors: Floats) -> None:
        """Search unknowns that were made of pictures.

        Args:
            vectors: Embeddings, `(n, dim)`, float32.
        """
        searched = GroupDistances.search(self._gallery, vectors, [None] * len(vectors))
        self._kinds[MADE].append(searched.strangers)

    def add_references(self, progress: Progress) -> None:
        """Search each reference among all others.

        Args:
            progress: Called with the number of further references that are done.
        """
        with self._gallery.snapshot():
            every, _ = self._gallery.labelled_rows()
            for start in range(0, len(every), _OWN_AT_ONCE):
                rows = every[start : start + _OWN_AT_ONCE]
                ids, labels, vectors = self._gallery.references_at(rows)
                self.add(vectors, labels.tolist(), skip=ids.tolist())
                progress(len(rows))

    def add_folds(self, folds: Folds, progress: Progress) -> None:
        """Search the references of each fold among those of the others.

        Args:
            folds: The gallery's references, divided.
            progress: Called with the number of further references that are done.
        """
        for rows, searched in folds.searched():
            if self.pairs is not None:
                self.pairs.add([folds.labels[row] for row in rows.tolist()], folds.vectors[rows])
            self._collect(searched)
            progress(len(rows))

    @property
    def mated(self) -> Mated:
        """Queries whose group is in the gallery."""
        return Mated.pooled(self._mated)

    @property
    def kinds(self) -> dict[str, NonMated]:
        """Non-mated queries by kind, `LEFT_OUT`, `GIVEN` and `MADE`."""
        return {name: NonMated.pooled(parts) for name, parts in self._kinds.items()}

    @property
    def pool(self) -> NonMated:
        """All non-mated queries."""
        return NonMated.pooled(list(self.kinds.values()))
