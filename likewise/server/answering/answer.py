"""Answer questions about pictures or vectors, batching concurrent requests.

All pictures of a turn are embedded in one batch; those with the same options are searched in one
batch. A row depends only on its picture, the options and the gallery, so it is identical to that of
a single request, or of `likewise check`, to the bit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from embedder.errors import ImageError
from index.decision import CheckOptions
from index.gallery import Gallery
from likewise.arrays import Floats
from likewise.matcher import Matcher
from likewise.names import meant
from likewise.output.rows import (
    Row,
    decision_row,
    error_row,
    json_line,
    query_error_row,
    query_row,
    remarked,
)
from likewise.server.answering.batcher import Batcher
from likewise.server.answering.decoders import Decoders, unready
from likewise.server.answering.pictures import (
    Cropped,
    Embedded,
    Pictures,
    Prepared,
    UnreadyError,
    embed,
)
from likewise.server.answering.question import (
    CHECK,
    EMBED,
    PIECE,
    QUERY,
    Answer,
    Options,
    Question,
)
from likewise.server.errors import ApiError, invalid
from likewise.server.metrics import SEARCH, WRITE, Metrics


@dataclass(frozen=True, slots=True, eq=False)
class Vectorised:
    """A question whose pictures are embedded."""

    question: Question
    embedded: Embedded


@dataclass(frozen=True, slots=True, eq=False)
class _Results:
    """Search results of n vectors, with functions that make their rows."""

    row: Callable[[str, int], Row]
    unreadable: Callable[[str, str], Row]
    nearest: Floats
    point: str | None = None


class Answering:
    """Answers questions; those that wait at the same time are answered together.

    Attributes:
        batcher: The queue of questions.

    Args:
        matcher: Embedder and gallery.
        metrics: Records stage times, distances and decisions.
        decoders: Prepare pictures that would delay other requests.
    """

    def __init__(self, matcher: Matcher, metrics: Metrics, decoders: Decoders) -> None:
        self._matcher = matcher
        self._metrics = metrics
        self._decoders = decoders
        self.batcher: Batcher[Question, Answer] = Batcher(self.answer, observe=metrics.turn)

    # ------------------------------------------------------------ one request, in the event loop

    async def ask(self, options: Options, pictures: Pictures) -> list[Answer]:
        """Ask about the pictures or vectors of one request.

        Args:
            options: Options for all pictures.
            pictures: The n pictures or vectors.

        Returns:
            The answers, one for each piece of `PIECE` pictures, in order.

        Raises:
            ImageError: If the only picture is unreadable; among others it becomes an error row.
            ApiError: If the gallery does not support the options.
            EmptyGalleryError: If there are no references to compare with.
        """
        embedder, images = self._matcher.embedder, pictures.images
        if images is not None:
            places = unready(images, embedder.preprocessing, embedder.input_shape)
            pictures = await self._prepared(pictures, places)
        try:
            answers = await self._in_pieces(options, pictures)
        except UnreadyError:  # a picture's pixels showed it, its header did not
            pictures = await self._prepared(pictures, range(len(pictures)))
            answers = await self._in_pieces(options, pictures)
        if len(pictures) == 1 and answers[0].reasons:
            raise answers[0].reasons[0].bare()
        for answer in answers:
            self._metrics.decided(answer.decisions)
        return answers

    async def _in_pieces(self, options: Options, pictures: Pictures) -> list[Answer]:
        ask, count = self.batcher.ask, len(pictures)
        if count <= PIECE:
            return [await ask(Question(options, pictures), count)]
        pieces = [pictures.cut(start, start + PIECE) for start in range(0, count, PIECE)]
        return await asyncio.gather(
            *(ask(Question(options, piece), len(piece), piece=True) for piece in pieces)
        )

    async def _prepared(self, pictures: Pictures, places: Sequence[int]) -> Pictures:
        """The pictures, with those at `places` decoded and prepared."""
        if not places or pictures.images is None:
            return pictures
        images = list(pictures.images)
        raw = [place for place in places if isinstance(images[place], bytes | Cropped | np.ndarray)]
        results = await self._decoders.prepare([images[place] for place in raw])
        for place, result in zip(raw, results, strict=True):
            images[place] = result if isinstance(result, ImageError) else Prepared(result.pixels)
        return replace(pictures, images=images)

    # ------------------------------------------------------------ many, in the batcher's thread

    def answer(self, questions: Sequence[Question]) -> list[Answer | Exception]:
        """Return an answer or an exception for each question.

        A question with a picture that must be prepared first gets an `UnreadyError`.
        """
        embedded = self._embedded(questions)
        answers = iter(self._search([item for item in embedded if isinstance(item, Vectorised)]))
        return [next(answers) if isinstance(item, Vectorised) else item for item in embedded]

    def _embedded(self, questions: Sequence[Question]) -> list[Vectorised | UnreadyError]:
        """Embed the pictures of all questions in one batch."""
        requests = [question.pictures for question in questions]
        embedded = embed(requests, self._matcher.embedder, self._metrics.timed)
        return [
            result if isinstance(result, UnreadyError) else Vectorised(question, result)
            for question, result in zip(questions, embedded, strict=True)
        ]

    def _search(self, questions: Sequence[Vectorised]) -> list[Answer | Exception]:
        """Search for all questions with the same options in one batch."""
        answers: dict[int, Answer | Exception] = {}
        by_options: dict[Options, list[int]] = {}
        for place, item in enumerate(questions):
            by_options.setdefault(item.question.options, []).append(place)
        with self._matcher.gallery.snapshot() as generation:
            for options, places in by_options.items():
                batch = [questions[place] for place in places]
                try:
                    answers.update(
                        zip(places, self._answers(options, batch, generation), strict=True)
                    )
                except Exception as error:  # fails these options alone; the others get answers
                    answers.update(dict.fromkeys(places, error))
        return [answers[place] for place in range(len(questions))]

    def _answers(
        self, options: Options, batch: Sequence[Vectorised], generation: int
    ) -> list[Answer]:
        """Answer all questions with the same options by one search."""
        check_options(self._matcher.gallery, options)
        find = {CHECK: self._checked, QUERY: self._queried, EMBED: _only_embedded}
        vectors = np.concatenate([item.embedded.vectors for item in batch])
        with self._metrics.timed(SEARCH):
            results = find[options.kind](vectors, options.check)
        self._metrics.searched(results.nearest)
        with self._metrics.timed(WRITE):
            return _written(results, batch, generation)

    def _checked(self, vectors: Floats, options: CheckOptions) -> _Results:
        gallery = self._matcher.gallery
        rule = gallery.points.rule(options)
        decisions = gallery.decide(vectors, gallery.neighbours_of(options.k), rule)
        return _Results(
            lambda id, row: decision_row(id, decisions[row]),
            lambda id, reason: error_row(id, reason, rule.limits.threshold),
            np.array([decision.neighbours[0].distance for decision in decisions], np.float32),
            rule.point,
        )

    def _queried(self, vectors: Floats, options: CheckOptions) -> _Results:
        gallery = self._matcher.gallery
        neighbours = gallery.search(vectors, gallery.neighbours_of(options.k))
        nearest = neighbours.distances[:, 0]
        p_values: list[float | None] = [None] * len(neighbours)
        if options.evidence:
            p_values = gallery.points.evidence(options.at).p_values(nearest).tolist()
        return _Results(
            lambda id, row: query_row(id, neighbours[row], p_values[row]),
            query_error_row,
            nearest,
        )


def _written(results: _Results, batch: Sequence[Vectorised], generation: int) -> list[Answer]:
    """Write the rows of each question."""
    answers = []
    first = 0
    for item in batch:
        vectors, reasons = item.embedded.vectors, item.embedded.reasons
        remarks, numbers = item.embedded.remarks, iter(range(len(vectors)))
        rows = [
            results.unreadable(id, str(reasons[place]))
            if place in reasons
            else remarked(results.row(id, first + (n := next(numbers))), remarks.get(n))
            for place, id in enumerate(item.question.pictures.ids)
        ]
        first += len(vectors)
        lines = [json_line(row)[:-1] for row in rows]
        decisions = [row["decision"] for row in rows if "decision" in row]
        answers.append(Answer(lines, vectors, reasons, generation, results.point, decisions))
    return answers


def check_options(gallery: Gallery, options: Options) -> None:
    """Refuse options that the gallery does not support.

    Args:
        gallery: The gallery to search.
        options: Options of a request.

    Raises:
        ApiError: If there is no such group or operating point, no threshold, or no evidence.
    """
    check, points = options.check, gallery.points.all()
    if check.at is not None and check.at not in points:
        names = ", ".join(points) or "the gallery has none"
        raise invalid(f"`at` must name an operating point: {names}. Received: {check.at}.")
    if check.group is not None and not gallery.has_group(check.group):
        likely = meant(check.group, gallery.groups())
        raise invalid(f"`group` must be the label of a group. Received: {check.group}{likely}.")
    decides = options.kind == CHECK and check.threshold is None
    if decides and not points:
        gallery.require_groups()  # without them no threshold would help
    if (decides or check.evidence) and not points:
        raise ApiError(
            "not_calibrated",
            "The gallery has no operating point yet.",
            None
            if check.evidence
            else "Pass a threshold, or calibrate the gallery: likewise calibrate.",
        )
    if check.evidence and gallery.points.named(check.at)[1].evidence is None:
        raise ApiError(
            "not_calibrated",
            "This operating point has no evidence: it was not calibrated with this gallery.",
            "Calibrate it, or leave out `evidence`.",
        )


def _only_embedded(vectors: Floats, options: CheckOptions) -> _Results:
    return _Results(
        lambda id, row: {"id": id},
        lambda id, reason: {"id": id, "reason": reason},
        np.empty(0, np.float32),
    )
