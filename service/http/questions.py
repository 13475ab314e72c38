"""What is asked about pictures or vectors, and its answer: embedded and searched together.

Questions of several requests come at once. All pictures are embedded in one go; then those that
are asked with the same options are searched in one go. A row depends on its picture, the options
and the gallery alone, so it is the same to the bit as if it had been asked by itself, or by
`likewise check`.

Does not read requests (`bodies`) and does not wait (`batching`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedder.errors import ImageError
from embedder.images import read_image
from service.matcher import Matcher
from service.rows import Row, decision_row, error_row, json_line, query_row

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Options:
    """What decides an answer beside the picture; see `Matcher.check`.

    Attributes:
        kind: `check`, `query` or `embed`.
        k: Nearest references.
        threshold: Largest distance that is a match.
        min_margin: Least distance to the runner-up.
        group: The one group that is asked about.
        at: Name of the operating point.
        evidence: Whether rows have a `p_value`.
    """

    kind: str
    k: int = 5
    threshold: float | None = None
    min_margin: float | None = None
    group: str | None = None
    at: str | None = None
    evidence: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What is asked about: n pictures, or n vectors.

    Attributes:
        ids: n names.
        pictures: Files or uint8 pixels, `(h, w)` or `(h, w, 3)`; None for vectors.
        vectors: `(n, dim)`, float32, finite; None for pictures.
    """

    ids: list[str]
    pictures: Sequence[bytes | Pixels] | Pixels | None = None
    vectors: Floats | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def cut(self, start: int, stop: int) -> Subject:
        """Some of the pictures or vectors."""
        some = slice(start, stop)
        return Subject(
            self.ids[some],
            None if self.pictures is None else self.pictures[some],
            None if self.vectors is None else self.vectors[some],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """Options and subject."""

    options: Options
    subject: Subject


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What came of one question.

    Attributes:
        rows: One JSON object for each picture or vector, as `service.rows` describes it.
        vectors: Of those that could be read, `(m, dim)`.
        reasons: Why a picture could not be read, by its place.
        generation: Of the gallery that answered.
        point: The operating point that decided, if one did.
    """

    rows: list[bytes]
    vectors: Floats
    reasons: dict[int, str]
    generation: int
    point: str | None


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What a search found for n vectors: how the row of each is made, and that of an unreadable."""

    row: Callable[[str, int], Row]
    unreadable: Callable[[str, str], Row]
    point: str | None = None


class Answering:
    """Answers questions together.

    Args:
        matcher: Embedder and gallery.
    """

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher

    def __call__(self, questions: list[Question]) -> list[Answer | Exception]:
        """Give an answer, or what went wrong, for each question."""
        embedded = self._embedded([question.subject for question in questions])
        alike: dict[Options, list[int]] = {}
        for place, question in enumerate(questions):
            alike.setdefault(question.options, []).append(place)
        answers: dict[int, Answer | Exception] = {}
        with self._matcher.gallery.snapshot() as generation:
            for options, places in alike.items():
                subjects = [questions[place].subject for place in places]
                parts = [embedded[place] for place in places]
                try:
                    found = self._answers(options, subjects, parts, generation)
                    answers.update(zip(places, found, strict=True))
                except Exception as error:  # of these options alone: the others get their answers
                    answers.update(dict.fromkeys(places, error))
        return [answers[place] for place in range(len(questions))]

    def _embedded(self, subjects: Sequence[Subject]) -> list[tuple[Floats, dict[int, str]]]:
        """The vectors of each subject, and why others of its pictures have none."""
        embedder = self._matcher.embedder
        pixels: list[Pixels] = []
        spans: list[tuple[int, int, dict[int, str]]] = []
        for subject in subjects:
            start, reasons = len(pixels), {}
            for place, picture in enumerate(() if subject.pictures is None else subject.pictures):
                try:
                    pixels.append(read_image(picture) if isinstance(picture, bytes) else picture)
                except ImageError as error:
                    reasons[place] = str(error)
            spans.append((start, len(pixels), reasons))
        vectors = np.empty((0, embedder.dim), np.float32)
        if pixels:
            vectors = embedder.embed(embedder.prepare(pixels))
        return [
            (vectors[start:stop] if subject.vectors is None else subject.vectors, reasons)
            for subject, (start, stop, reasons) in zip(subjects, spans, strict=True)
        ]

    def _answers(
        self,
        options: Options,
        subjects: Sequence[Subject],
        embedded: Sequence[tuple[Floats, dict[int, str]]],
        generation: int,
    ) -> list[Answer]:
        """Answer all questions with the same options by one search."""
        find = {"check": self._checked, "query": self._queried, "embed": _only_embedded}
        found = find[options.kind](np.concatenate([vectors for vectors, _ in embedded]), options)
        answers = []
        first = 0
        for subject, (vectors, reasons) in zip(subjects, embedded, strict=True):
            places = iter(range(first, first := first + len(vectors)))
            rows = [
                found.unreadable(id, reasons[place])
                if place in reasons
                else found.row(id, next(places))
                for place, id in enumerate(subject.ids)
            ]
            lines = [json_line(row)[:-1] for row in rows]
            answers.append(Answer(lines, vectors, reasons, generation, found.point))
        return answers

    def _checked(self, vectors: Floats, options: Options) -> _Found:
        asked = {name: getattr(options, name) for name in ("threshold", "min_margin", "at")}
        rule = self._matcher.gallery.rule(**asked)
        decisions = self._matcher.decide(
            vectors, k=options.k, group=options.group, evidence=options.evidence, **asked
        )
        return _Found(
            lambda id, row: decision_row(id, decisions[row]),
            lambda id, reason: error_row(id, reason, rule.limits.threshold),
            rule.point,
        )

    def _queried(self, vectors: Floats, options: Options) -> _Found:
        gallery = self._matcher.gallery
        found = gallery.search(vectors, self._matcher.neighbours_of(options.k))
        shares: list[float | None] = [None] * len(found)
        if options.evidence:
            shares = gallery.p_values(found.distances[:, 0], options.at).tolist()
        return _Found(
            lambda id, row: query_row(id, found[row], shares[row]),
            lambda id, reason: {"id": id, "neighbours": [], "reason": reason},
        )


def _only_embedded(vectors: Floats, options: Options) -> _Found:
    return _Found(
        lambda id, row: {"id": id},
        lambda id, reason: {"id": id, "reason": reason},
    )
