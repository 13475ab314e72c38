"""What a matcher answers: decisions and neighbours that know which pictures they are about.

Rows and tables of them are made by `output`, what a notebook shows by `notebook`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, overload

import numpy as np

from embedder.text import counted
from index.decision import ERROR, Decision
from index.gallery import Gallery
from index.neighbours import Neighbour, Neighbours
from likewise.embedding import Embedded
from likewise.pictures import QueryPictures


class Decisions(Sequence[Decision]):
    """The decisions on n pictures, in their order; a slice of them is `Decisions` too.

    It refers to the pictures and the gallery, to show them in a notebook.

    Args:
        decisions: n decisions.
        pictures: The n pictures.
        gallery: The gallery that decided.

    Example:
        >>> import tempfile, likewise
        >>> seven = likewise.records("mnist/test/00000")
        >>> with likewise.build(f"{tempfile.mkdtemp()}/digits.gallery", seven) as matcher:
        ...     decisions = matcher.check(["mnist/test/00000", "no-such.png"])
        >>> [decision.decision for decision in decisions], decisions[1].reason
        (['match', 'error'], 'no such file')
        >>> decisions.to_pandas()[["id", "decision", "label"]].values.tolist()[0]
        ['mnist/test/00000', 'match', '7']
    """

    __slots__ = ("_decisions", "_gallery", "_pictures")

    def __init__(
        self, decisions: list[Decision], pictures: QueryPictures, gallery: Gallery
    ) -> None:
        self._decisions, self._pictures, self._gallery = decisions, pictures, gallery

    @property
    def ids(self) -> list[str]:
        """The n paths, or ids of records; the place in the list for pictures without a name."""
        return self._pictures.ids()

    def to_pandas(self) -> Any:
        """Make a `pandas.DataFrame`: one row for each picture, the columns of `check -o rows.csv`.

        Raises:
            LibraryMissingError: If pandas is not installed.
        """
        from likewise.output.frames import data_frame

        return data_frame(self._rows(), decided=True)

    def to_arrow(self) -> Any:
        """Make a `pyarrow.Table`: one row for each picture, the columns of `-o rows.parquet`.

        Raises:
            LibraryMissingError: If pyarrow is not installed.
        """
        from likewise.output.frames import arrow_table

        return arrow_table(self._rows(), decided=True)

    def _repr_html_(self) -> str:
        from likewise.notebook.views import decisions_view

        return decisions_view(self._decisions, self._pictures, self._gallery)

    def _rows(self) -> list[dict[str, Any]]:
        from likewise.output.rows import decision_row

        return list(map(decision_row, self.ids, self._decisions))

    @overload
    def __getitem__(self, place: int) -> Decision: ...

    @overload
    def __getitem__(self, place: slice) -> Decisions: ...

    def __getitem__(self, place: int | slice) -> Decision | Decisions:
        if isinstance(place, slice):
            return Decisions(self._decisions[place], self._pictures[place], self._gallery)
        return self._decisions[place]

    def __iter__(self) -> Iterator[Decision]:
        return iter(self._decisions)

    def __len__(self) -> int:
        return len(self._decisions)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Decisions):
            return self._decisions == other._decisions
        return self._decisions == other if isinstance(other, list) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # like a list: it is equal to one

    def __repr__(self) -> str:
        counts = Counter(decision.decision for decision in self._decisions)
        parts = ", ".join(f"{count} {name}" for name, count in counts.items())
        return f"<{counted(len(self), 'decision')}{': ' if parts else ''}{parts}>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PictureNeighbours(Neighbours):
    """The nearest references of n pictures.

    A picture that cannot be read has no neighbours: an empty list, and in the arrays None and NaN.
    It refers to the pictures and the gallery, to show them in a notebook.

    Attributes:
        pictures: The n pictures.
        gallery: The gallery that was searched.
        reasons: Why a picture cannot be read, or that it is nearly one grey value, by its place
            among the n.
    """

    pictures: QueryPictures
    gallery: Gallery
    reasons: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, near: Neighbours, embedded: Embedded, pictures: QueryPictures, gallery: Gallery
    ) -> PictureNeighbours:
        """Complete the neighbours of vectors to those of all pictures.

        Args:
            near: Neighbours of the m vectors, in order.
            embedded: The vectors, why the other pictures have none, and remarks.
            pictures: The n pictures.
            gallery: The gallery that was searched.
        """
        reasons = embedded.reasons | embedded.remarks
        if not embedded.reasons:
            return cls(near.ids, near.labels, near.distances, pictures, gallery, reasons)
        shape = (len(pictures), near.distances.shape[1])
        read = [place for place in range(len(pictures)) if place not in embedded.reasons]
        ids, labels = np.full(shape, None), np.full(shape, None)
        distances = np.full(shape, np.nan, np.float32)
        ids[read], labels[read], distances[read] = near.ids, near.labels, near.distances
        return cls(ids, labels, distances, pictures, gallery, reasons)

    @overload
    def __getitem__(self, query: int) -> list[Neighbour]: ...

    @overload
    def __getitem__(self, query: slice) -> PictureNeighbours: ...

    def __getitem__(self, query: int | slice) -> list[Neighbour] | PictureNeighbours:
        # not `super()`, which a dataclass with slots breaks
        if isinstance(query, slice):
            near, places = Neighbours.__getitem__(self, query), range(len(self))[query]
            reasons = {
                new: self.reasons[old] for new, old in enumerate(places) if old in self.reasons
            }
            return PictureNeighbours(
                *(near.ids, near.labels, near.distances),
                *(self.pictures[query], self.gallery, reasons),
            )
        return [] if self.ids[query, 0] is None else Neighbours.__getitem__(self, query)

    def to_pandas(self) -> Any:
        """Make a `pandas.DataFrame`: one row for each picture, the columns of `query -o rows.csv`.

        Raises:
            LibraryMissingError: If pandas is not installed.
        """
        from likewise.output.frames import data_frame

        return data_frame(self._rows(), decided=False)

    def to_arrow(self) -> Any:
        """Make a `pyarrow.Table`: one row for each picture, the columns of `-o rows.parquet`.

        Raises:
            LibraryMissingError: If pyarrow is not installed.
        """
        from likewise.output.frames import arrow_table

        return arrow_table(self._rows(), decided=False)

    def _repr_html_(self) -> str:
        from likewise.notebook.views import neighbours_view

        return neighbours_view(summary(self), self, self.pictures, self.reasons, self.gallery)

    def _rows(self) -> list[dict[str, Any]]:
        from likewise.output.rows import query_row, remarked

        rows = (query_row(id, self[place]) for place, id in enumerate(self.pictures.ids()))
        return [remarked(row, self.reasons.get(place)) for place, row in enumerate(rows)]

    def __repr__(self) -> str:
        return f"<{summary(self)}>"


def summary(neighbours: Neighbours) -> str:
    """Count the neighbours, the pictures, and those that could not be read."""
    queries, k = neighbours.distances.shape
    missing = sum(id is None for id in neighbours.ids[:, 0])
    unreadable = f", {missing} unreadable" if missing else ""
    return f"{counted(k, 'nearest reference')} of {counted(queries, 'picture')}{unreadable}"


def completed(answers: list[Decision], embedded: Embedded, threshold: float) -> list[Decision]:
    """Complete decisions on vectors to decisions on all pictures.

    Args:
        answers: Decisions on the m vectors, in order.
        embedded: The vectors, why the other pictures have none, and remarks.
        threshold: The threshold of the decisions, a distance.

    Returns:
        n decisions: `error` on the pictures that cannot be read, and remarks as reasons.
    """
    if embedded.reasons:
        on_vectors = iter(answers)
        answers = [
            Decision(ERROR, None, None, threshold, None, None, [], embedded.reasons[place])
            if place in embedded.reasons
            else next(on_vectors)
            for place in range(len(answers) + len(embedded.reasons))
        ]
    for place, remark in embedded.remarks.items():
        answers[place] = replace(answers[place], reason=remark)
    return answers
