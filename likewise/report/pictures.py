"""The report's pictures: pairs, the worst errors beside their nearest references, and the map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from embedder.training.pairs import pair_positions
from index.neighbours import Neighbour
from likewise.evaluation.evaluate import Evaluation
from likewise.evaluation.groups import Miss
from likewise.maps.layout import laid_out, sample
from likewise.matcher import Matcher
from likewise.metrics.groups import Groups
from likewise.report.map_plot import Mark, map_plot
from likewise.report.plots import png_address

PAIRS_SHOWN, ERRORS_SHOWN, NEIGHBOURS = 16, 12, 6
MAPPED, UNKNOWN_MAPPED = 1000, 150


class Picture(NamedTuple):
    """A picture as its PNG.

    Attributes:
        id: Id of the picture.
        address: The picture as a `data:` address.
    """

    id: str
    address: str


class Tile(NamedTuple):
    """Pictures over a caption, and whether the caption is right."""

    pictures: list[Picture]
    caption: str
    right: bool


class Error(NamedTuple):
    """A missed query beside its nearest references."""

    id: str
    pictures: list[Picture]
    label: str
    answer: str
    neighbours: list[Tile]


class Strips:
    """The parts of the page that show pictures.

    Args:
        evaluation: The evaluation to show.
        matcher: Embedder, which prepares each picture as its network sees it, and gallery, which
            has the references' pictures.
    """

    def __init__(self, evaluation: Evaluation, matcher: Matcher) -> None:
        self.evaluation, self.matcher = evaluation, matcher
        queries = evaluation.asked.queries
        self.records, self.vectors = queries.records, queries.vectors
        self.seed = evaluation.figures.seed
        self.rng = np.random.default_rng(self.seed)
        records = enumerate(self.records)
        self.labelled = [row for row, record in records if record.label is not None]
        self.labels = [str(self.records[row].label) for row in self.labelled]

    def pairs(self) -> list[Tile]:
        """16 random pairs, if any, half of them of one label, as the tutorial shows them."""
        if not Groups.of(self.labels).have_pairs:
            return []
        first, second, same = pair_positions(self.labels, seed=int(self.rng.integers(2**31)))
        chosen = self.rng.choice(len(first), min(PAIRS_SHOWN, len(first)), replace=False)
        return [
            self._pair(self.labelled[first[pair]], self.labelled[second[pair]], bool(same[pair]))
            for pair in chosen.tolist()
        ]

    def _pair(self, left: int, right: int, same: bool) -> Tile:
        vectors = self.vectors[[left, right]].astype(np.float64)
        distance = float(np.linalg.norm(vectors[0] - vectors[1]))
        threshold = self.evaluation.figures.operating_point.threshold
        caption = f"{'same' if same else 'different'}, {distance:.3f}"
        pictures = [*self._query(left), *self._query(right)]
        return Tile(pictures, caption, (distance <= threshold) == same)

    def errors(self) -> list[Error]:
        """The worst missed queries, each with its nearest references."""
        worst = self.evaluation.wrong[:ERRORS_SHOWN]
        if not worst:
            return []
        nearest = self.evaluation.asked.neighbours(self.matcher, worst, NEIGHBOURS)
        misses = self.evaluation.figures.missed[:ERRORS_SHOWN]
        return list(map(self._error, worst, misses, nearest))

    def _error(self, row: int, miss: Miss, neighbours: Sequence[Neighbour]) -> Error:
        near = [
            Tile(
                self._reference(neighbour.id),
                f"{neighbour.label}, {neighbour.distance:.3f}",
                neighbour.label == miss.label,
            )
            for neighbour in neighbours
        ]
        answer = "none" if miss.answer is None else miss.answer
        return Error(miss.id, self._query(row), miss.label, answer, near)

    def map(self) -> str:
        """Equally many pictures of each group, some unknowns and the worst errors, laid out."""
        worst = self.evaluation.wrong[:ERRORS_SHOWN]
        chosen = [self.labelled[index] for index in sample(self.labels, MAPPED, self.seed)]
        rows = sorted({*chosen, *worst, *self._unknowns()})
        places = laid_out(self.vectors[rows])
        marks = [
            Mark(rows.index(row), str(number), picture.address)
            for number, row in enumerate(worst, 1)
            for picture in self._query(row)
        ]
        return map_plot(places, [self.records[row].label for row in rows], marks)

    def _unknowns(self) -> list[int]:
        rows = sorted({*range(len(self.records))} - {*self.labelled})
        return [rows[index] for index in sample([""] * len(rows), UNKNOWN_MAPPED, self.seed)]

    def _query(self, row: int) -> list[Picture]:
        record = self.records[row]
        if self.evaluation.asked.folds is not None:
            return self._reference(record.id)
        [pixels] = self.matcher.embedder.prepare([record.pixels()])
        return [Picture(record.id, png_address(pixels))]

    def _reference(self, id: str) -> list[Picture]:
        """Its picture; nothing where the reference was added as a vector alone."""
        pixels = self.matcher.gallery.get(id).picture
        return [] if pixels is None else [Picture(id, png_address(pixels))]
