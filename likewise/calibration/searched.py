"""The queries of a calibration: embedded, searched by group, and counted as known or unknown.

Does not choose a threshold (`points`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from embedder.data.records import Record
from embedder.errors import UnlabelledError
from index.gallery import Gallery
from index.search.by_group import set_apart
from likewise.arrays import Floats
from likewise.bulk.stream import embed_stream
from likewise.calibration.summary import OPTIMISTIC
from likewise.matcher import Matcher
from likewise.metrics.impostors import Impostors
from likewise.metrics.searches import Mated, NonMated
from likewise.metrics.thresholds import CalibrationError

LEFT_OUT, GIVEN = "own group left out", "given as unknown"
_OWN_AT_ONCE = 8192

Progress = Callable[[int], object]


@dataclass(slots=True)
class Searched:
    """Queries as they come in, part by part, until a threshold is chosen.

    Attributes:
        gallery: What is asked.
        progress: Called with the number of further pictures that are done.
        in_gallery: Pictures that were passed over as they are references.
        unreadable: Id and reason of each picture that could not be read.
        contents: Content hashes of the pictures that were asked.
        measured_on: What was asked, in words.
        pairs: Pairs of two groups; only where an FMR is wanted.
    """

    gallery: Gallery
    progress: Progress
    own: list[Floats] = field(default_factory=list)
    other: list[Floats] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    strangers: dict[str, list[NonMated]] = field(default_factory=lambda: {LEFT_OUT: [], GIVEN: []})
    in_gallery: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    pictures: int = 0
    contents: list[bytes] = field(default_factory=list)
    measured_on: str = ""
    pairs: Impostors | None = None

    @property
    def mated(self) -> Mated:
        """Queries whose group is in the gallery."""
        none = [np.empty(0, np.float32)]
        return Mated(
            np.concatenate(self.own or none), np.concatenate(self.other or none), self.labels
        )

    @property
    def kinds(self) -> dict[str, NonMated]:
        """Unknowns, by how they came to be unknown: `LEFT_OUT` or `GIVEN`."""
        return {name: NonMated.pooled(parts) for name, parts in self.strangers.items()}

    @property
    def pool(self) -> NonMated:
        """All unknowns."""
        return NonMated.pooled(list(self.kinds.values()))

    def require_unknowns(self) -> None:
        """Refuse to go on with nothing that should not match."""
        if len(self.pool):
            return
        if self.in_gallery and not self.pictures:
            raise CalibrationError(
                f"All {self.in_gallery} readable pictures are in the gallery and would find "
                "themselves: give others, or none to ask the references among each other."
            )
        if self.unreadable and not self.pictures:
            raise CalibrationError(f"No picture could be read: {': '.join(self.unreadable[0])}.")
        if not self.pictures and self.measured_on != OPTIMISTIC:
            raise CalibrationError("No picture came: the input is empty.")
        raise CalibrationError(
            "No query of an unknown group came: with its own group left out, nothing is left of a "
            "gallery of one group. Give pictures of unknown groups."
        )

    def data(self, matcher: Matcher, records: Iterable[Record]) -> None:
        """Ask labelled pictures."""
        for some, vectors in self._embedded(matcher, records):
            for record in some:
                if record.label is None:
                    raise UnlabelledError(
                        f"{record.id} has no label, and calibration compares answers with labels. "
                        "Pictures of unknown groups go to --unknown."
                    )
            self._ask([str(record.label) for record in some], vectors)
        self._tell()

    def unknown(self, matcher: Matcher, records: Iterable[Record]) -> None:
        """Ask pictures of no known group."""
        known = self.gallery.labels
        for some, vectors in self._embedded(matcher, records):
            for record in some:
                if record.label in known:
                    raise UnlabelledError(
                        f"{record.id} is of group {record.label!r}, which the gallery has, so it "
                        "is no unknown. Give it as labelled data, or leave it out."
                    )
            self._ask([None] * len(some), vectors)
        self._tell()

    def own_references(self) -> None:
        """Ask each reference among all others."""
        ids, labels, vectors = self.gallery.references()
        for start in range(0, len(ids), _OWN_AT_ONCE):
            some = slice(start, start + _OWN_AT_ONCE)
            self._ask(labels[some].tolist(), vectors[some], skip=ids[some].tolist())
            self.progress(len(ids[some]))
        self.measured_on = OPTIMISTIC

    def _embedded(
        self, matcher: Matcher, records: Iterable[Record]
    ) -> Iterator[tuple[list[Record], Floats]]:
        """Records and vectors of the pictures that can be read and are no references."""
        with closing(embed_stream(matcher.embedder, records, hashed=True)) as parts:
            for part, vectors in parts:
                self.unreadable += [
                    (part.records[place].id, reason) for place, reason in part.reasons.items()
                ]
                known = self.gallery.vectors_of(part.contents)
                new = [place for place, content in enumerate(part.contents) if content not in known]
                readable = part.readable
                self.in_gallery += len(readable) - len(new)
                self.pictures += len(new)
                self.contents += [part.contents[place] for place in new]
                if new:
                    yield [readable[place] for place in new], vectors[new]
                self.progress(len(part.records))

    def _ask(
        self, labels: list[str | None], vectors: Floats, skip: list[str] | None = None
    ) -> None:
        """Search; a query without a label, or of a group that is not there, is an unknown."""
        if self.pairs is not None:
            self.pairs.add(labels, vectors)
        names, distances = self.gallery.nearest_by_group(vectors, skip=skip)
        columns: dict[str | None, int] = {name: column for column, name in enumerate(names)}
        column = np.array([columns.get(label, -1) for label in labels])
        known = np.flatnonzero(column >= 0)
        own, others = set_apart(distances[known], column[known])
        self._take(GIVEN, names, distances[column < 0])
        self._take(LEFT_OUT, names, others)
        found = np.isfinite(own)  # a reference that is alone in its group has no mate
        self.own.append(own[found])
        self.other.append(others.min(axis=1, initial=np.inf)[found])
        self.labels += [str(labels[place]) for place in known[found].tolist()]

    def _take(self, kind: str, names: list[str], distances: Floats) -> None:
        """Note the nearest group of each unknown; of a gallery of one group nothing may be left."""
        nearest = distances.argmin(axis=1)
        least = distances[np.arange(len(distances)), nearest]
        left = np.flatnonzero(np.isfinite(least))
        labels = [names[place] for place in nearest[left].tolist()]
        self.strangers[kind].append(NonMated(least[left], labels))

    def _tell(self) -> None:
        self.measured_on = f"{self.pictures} pictures that are not in the gallery"
