"""Embed and search labelled pictures, as queries of a calibration or an evaluation.

    records ─embed_stream─▶ Queries ─Gallery.nearest_by_group─▶ GroupDistances

A picture whose group is in the gallery is two queries: a mated one, whose group should be found,
and a non-mated one without its own group, for which nothing should match.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from embedder.data.records import Record
from embedder.errors import UnlabelledError
from embedder.text import counted
from index.gallery import Gallery
from index.search.nearest_groups import NearestGroups
from likewise.arrays import Bools, Floats, Indices
from likewise.bulk.stream import embed_stream
from likewise.decoding import Decoded
from likewise.joins import LabelJoin
from likewise.matcher import Matcher
from likewise.metrics.searches import Mated, NonMated
from likewise.names import examples
from likewise.remarks import Remarks

# The kinds of non-mated queries.
LEFT_OUT, GIVEN, MADE = "own group left out", "given as unknown", "made of the pictures"

Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True, eq=False)
class Queries:
    """Pictures that could be read, and their embeddings.

    Attributes:
        records: n pictures; those that were passed as unknown without their label.
        contents: Hash of each picture's pixels, n.
        vectors: Embeddings, `(n, dim)`, float32.
    """

    records: list[Record]
    contents: list[bytes]
    vectors: Floats

    @property
    def labels(self) -> list[str | None]:
        """Group of each picture, n; None for an unknown."""
        return [record.label for record in self.records]

    def subset(self, rows: Sequence[int]) -> Queries:
        """Keep the pictures at these places, in this order."""
        return Queries(
            [self.records[row] for row in rows],
            [self.contents[row] for row in rows],
            self.vectors[list(rows)],
        )

    @classmethod
    def joined(cls, batches: Sequence[Queries], dim: int) -> Queries:
        """Put batches together.

        Args:
            batches: Batches in order; may be empty.
            dim: Length of an embedding.
        """
        vectors = [np.empty((0, dim), np.float32), *(batch.vectors for batch in batches)]
        return cls(
            [record for batch in batches for record in batch.records],
            [content for batch in batches for content in batch.contents],
            np.concatenate(vectors),
        )


@dataclass(slots=True)
class QueryReader:
    """Embeds pictures batch by batch, and compares their labels with the gallery's groups.

    Attributes:
        matcher: Embedder and gallery.
        purpose: `calibration` or `evaluation`, for error messages.
        skip_references: Whether to leave out pictures that are references.
        progress: Called with the number of further pictures that are done.
        seen: Called with each part of the labelled pictures, decoded.
        skipped: Number of pictures that were left out because they are references.
        unreadable: Id and reason of each picture that could not be read.
        remarks: On pictures that are nearly one grey value.
        unlabelled: Id of each picture that was left out because it has no label.
        repeated: Id of each picture that was left out because an equal one came before: counted
            again it would prove nothing.
        join: The labelled pictures, counted by whether the gallery has their group.
    """

    matcher: Matcher
    purpose: str
    skip_references: bool = False
    progress: Progress = lambda done: None
    seen: Callable[[Decoded], object] = lambda part: None
    skipped: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    remarks: Remarks = field(default_factory=Remarks)
    unlabelled: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    join: LabelJoin = field(init=False)
    _came: set[bytes] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.join = LabelJoin(self.matcher.gallery.labels)

    def passed_over(self) -> list[str]:
        """Report the pictures that were left out or taken for unknowns, a line each."""
        lines = []
        if self.skipped:
            pictures = counted(self.skipped, "picture")
            lines.append(f"Passed over as already in the gallery: {pictures}.")
        if self.unlabelled:
            pictures = counted(len(self.unlabelled), "picture")
            shown = examples(self.unlabelled)
            lines.append(f"Passed over as without a label: {pictures}, {shown}.")
        if self.repeated:
            pictures = counted(len(self.repeated), "picture")
            shown = examples(self.repeated)
            lines.append(f"Passed over as equal to a picture before: {pictures}, {shown}.")
        if strangers := self.join.sentence():
            lines.append(strangers)
        return lines

    def labelled(self, records: Iterable[Record]) -> Iterator[Queries]:
        """Embed labelled pictures; those without a label are left out and noted.

        Raises:
            UnlabelledError: If none has a label.
        """
        came = False
        for batch in self._embedded(records, self.seen):
            rows = [row for row, label in enumerate(batch.labels) if label is not None]
            self.unlabelled += [record.id for record in batch.records if record.label is None]
            if rows:
                came = True
                for labelled in self._first_of_equal(batch.subset(rows)):
                    self.join.count(labelled.labels)
                    yield labelled
        if self.unlabelled and not came:
            raise UnlabelledError(
                f"{self.unlabelled[0]} has no label, and {self.purpose} compares answers with "
                "labels. Pass pictures of unknown groups with --unknown."
            )

    def unknown(self, records: Iterable[Record]) -> Iterator[Queries]:
        """Embed pictures of none of the gallery's groups; their labels, if any, are dropped.

        Raises:
            UnlabelledError: If a picture's label is one of the gallery's groups.
        """
        for batch in self._embedded(records):
            for record in batch.records:
                if record.label in self.join:
                    raise UnlabelledError(
                        f"{record.id} is of group {record.label!r}, which the gallery has, so it "
                        "is not unknown. Pass it as labelled data, or leave it out."
                    )
            unlabelled = [replace(record, label=None) for record in batch.records]
            yield from self._first_of_equal(Queries(unlabelled, batch.contents, batch.vectors))

    def _first_of_equal(self, batch: Queries) -> Iterator[Queries]:
        """Leave out pictures whose pixels came before, here or in an earlier batch."""
        rows = []
        for row, content in enumerate(batch.contents):
            if content in self._came:
                self.repeated.append(batch.records[row].id)
            else:
                self._came.add(content)
                rows.append(row)
        if rows:
            yield batch.subset(rows)

    def _embedded(
        self, records: Iterable[Record], seen: Callable[[Decoded], object] = lambda part: None
    ) -> Iterator[Queries]:
        with closing(embed_stream(self.matcher.embedder, records, hashed=True)) as parts:
            for part, vectors in parts:
                seen(part)
                self.remarks.add_all(part)
                self.unreadable += [
                    (part.records[place].id, reason) for place, reason in part.reasons.items()
                ]
                batch = Queries(list(part.readable), list(part.contents), vectors)
                batch = self._without_references(batch) if self.skip_references else batch
                if batch.records:
                    yield batch
                self.progress(len(part.records))

    def _without_references(self, batch: Queries) -> Queries:
        references = self.matcher.gallery.vectors_of(batch.contents)
        remaining = [row for row, content in enumerate(batch.contents) if content not in references]
        self.skipped += len(batch.records) - len(remaining)
        return batch.subset(remaining)


@dataclass(frozen=True, eq=False)
class GroupDistances:
    """How near each of n queries comes to its own group and to the others, among g groups.

    Attributes:
        groups: Their labels, g, in order.
        columns: Each query's own group, `(n,)`; -1 for an unknown.
        near: The distances.
    """

    groups: list[str]
    columns: Indices
    near: NearestGroups

    @classmethod
    def search(
        cls,
        gallery: Gallery,
        vectors: Floats,
        labels: Sequence[str | None],
        *,
        skip: Sequence[str] | None = None,
    ) -> GroupDistances:
        """Search a gallery.

        Args:
            gallery: With at least one reference.
            vectors: Embeddings, `(n, dim)`, float32.
            labels: The queries' groups, n; one that the gallery lacks makes an unknown.
            skip: Id of the reference that is left out for each query, n.
        """
        return cls(*gallery.nearest_by_group(vectors, labels, skip=skip))

    @cached_property
    def known(self) -> Indices:
        """Rows of the m mated queries, ascending.

        A reference that is alone in its group, and is left out itself, has no mate.
        """
        mated = (self.columns >= 0) & np.isfinite(self.near.own)
        return np.flatnonzero(mated).astype(np.int64)

    @cached_property
    def mated(self) -> Mated:
        """The mated queries, m."""
        rows = self.known
        return Mated(self.near.own[rows], self.near.other[rows], self._names(self.columns[rows]))

    @cached_property
    def ranks(self) -> Indices:
        """Rank of the own group of each mated query, `(m,)`; `CLOSER` + 1 stands for all beyond."""
        return self.near.closer[self.known] + 1

    @cached_property
    def nearest(self) -> NonMated:
        """The nearest of all groups for each mated query, m; the first of equally near ones."""
        rows = self.known
        own, other = self.near.own[rows], self.near.other[rows]
        columns, others = self.columns[rows], self.near.nearest[rows]
        is_own = (own < other) | ((own == other) & (columns < others))
        distances: Floats = np.where(is_own, own, other)
        return NonMated(distances, self._names(np.where(is_own, columns, others)))

    @cached_property
    def nearest_others(self) -> list[str]:
        """The nearest other group of each mated query, m; there must be two groups."""
        return self._names(self.near.nearest[self.known])

    @cached_property
    def left_out(self) -> NonMated:
        """Queries of the gallery's groups, their own left out; none in a gallery of one group."""
        return self._others((self.columns >= 0) & np.isfinite(self.near.other))

    @cached_property
    def strangers(self) -> NonMated:
        """Queries of groups that the gallery lacks, and those that were passed as unknown."""
        return self._others(self.columns < 0)

    @cached_property
    def unknown(self) -> NonMated:
        """All non-mated queries."""
        return NonMated.pooled([self.left_out, self.strangers])

    def _others(self, queries: Bools) -> NonMated:
        return NonMated(self.near.other[queries], self._names(self.near.nearest[queries]))

    def _names(self, columns: Indices) -> list[str]:
        return [self.groups[column] for column in columns.tolist()]
