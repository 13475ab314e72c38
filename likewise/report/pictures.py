"""The report's pictures: pairs, the worst errors beside their nearest references, and the map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from embedder.data.records import Record
from embedder.training.pairs import pair_positions
from likewise.arrays import Pixels
from likewise.evaluation.evaluate import Evaluation
from likewise.maps.layout import laid_out, sample
from likewise.matcher import Matcher
from likewise.report.map_plot import Mark, map_plot
from likewise.report.plots import png_address

PAIRS_SHOWN, ERRORS_SHOWN, NEIGHBOURS = 16, 12, 6
MAPPED, UNKNOWN_MAPPED = 1000, 150


class Strips:
    """The parts of the page that show pictures.

    Args:
        evaluation: What was measured.
        matcher: The embedder shows each picture as its network sees it; the gallery keeps its own.
    """

    def __init__(self, evaluation: Evaluation, matcher: Matcher) -> None:
        self.evaluation, self.matcher = evaluation, matcher
        self.rng = np.random.default_rng(evaluation.figures["seed"])
        records = enumerate(evaluation.records)
        self.labelled = [row for row, record in records if record.label is not None]
        self.labels = [str(evaluation.records[row].label) for row in self.labelled]

    def pairs(self) -> str:
        """16 random pairs, half of them of one label, as the tutorial shows them."""
        first, second, same = pair_positions(self.labels, seed=int(self.rng.integers(2**31)))
        some = self.rng.choice(len(first), min(PAIRS_SHOWN, len(first)), replace=False)
        shown = [
            self._pair(self.labelled[first[at]], self.labelled[second[at]], bool(same[at]))
            for at in some.tolist()
        ]
        return f'<div class="strip">{"".join(shown)}</div>'

    def _pair(self, left: int, right: int, same: bool) -> str:
        vectors = self.evaluation.vectors.astype(np.float64)
        distance = float(np.linalg.norm(vectors[left] - vectors[right]))
        threshold = self.evaluation.figures["operating_point"]["threshold"]
        caption = f"{'same' if same else 'different'}, {distance:.3f}"
        return _figure(
            self._asked(left) + self._asked(right), caption, (distance <= threshold) == same
        )

    def errors(self) -> str:
        """The worst missed queries, each with its nearest references."""
        worst = self.evaluation.wrong[:ERRORS_SHOWN]
        if not worst:
            return "<p>No known picture was missed.</p>"
        count = self.matcher.neighbours_of(NEIGHBOURS)
        found = self.matcher.gallery.search(self.evaluation.vectors[worst], count)
        shown = []
        for at, (row, miss) in enumerate(
            zip(worst, self.evaluation.figures["missed"], strict=False)
        ):
            said = "none" if miss["said"] is None else miss["said"]
            near = "".join(
                _figure(
                    self._reference(one.id),
                    f"{escape(one.label)}, {one.distance:.3f}",
                    one.label == miss["label"],
                )
                for one in found[at]
            )
            shown.append(
                f'<li class="error"><figure class="asked">{self._asked(row)}<figcaption>'
                f"<b>{escape(miss['label'])}, said {escape(said)}</b><br>{escape(miss['id'])}"
                f'</figcaption></figure><div class="strip">{near}</div></li>'
            )
        return f"<ol>{''.join(shown)}</ol>"

    def map(self) -> str:
        """As many pictures of each group, some unknowns and the worst errors, laid out."""
        worst = self.evaluation.wrong[:ERRORS_SHOWN]
        chosen = [self.labelled[at] for at in sample(self.labels, MAPPED, self._seed)]
        rows = sorted({*chosen, *worst, *self._unknowns()})
        records = self.evaluation.records
        places = laid_out(self.evaluation.vectors[rows])
        pictures = self._prepared(records[row] for row in worst) if worst else []
        marks = [
            Mark(rows.index(row), str(number), picture)
            for number, (row, picture) in enumerate(zip(worst, pictures, strict=True), 1)
        ]
        return map_plot(places, [records[row].label for row in rows], marks)

    def _unknowns(self) -> list[int]:
        rows = sorted({*range(len(self.evaluation.records))} - {*self.labelled})
        return [rows[at] for at in sample([""] * len(rows), UNKNOWN_MAPPED, self._seed)]

    @property
    def _seed(self) -> int:
        return int(self.evaluation.figures["seed"])

    def _asked(self, row: int) -> str:
        record = self.evaluation.records[row]
        [picture] = self._prepared([record])
        return f'<img alt="{escape(record.id)}" src="{png_address(picture)}">'

    def _reference(self, id: str) -> str:
        picture = self.matcher.gallery.get(id).picture
        return "" if picture is None else f'<img alt="{escape(id)}" src="{png_address(picture)}">'

    def _prepared(self, records: Iterable[Record]) -> Sequence[Pixels]:
        return list(self.matcher.embedder.prepare([record.pixels() for record in records]))


def _figure(pictures: str, caption: str, right: bool) -> str:
    """Pictures over a caption, and whether that is right: by sign and by colour."""
    kind, sign, word = ("right", "✓", "right") if right else ("wrong", "✗", "wrong")
    return (
        f'<figure class="{kind}">{pictures}<figcaption>{caption} '
        f'<b role="img" aria-label="{word}">{sign}</b></figcaption></figure>'
    )
