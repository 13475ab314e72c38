"""Questions about pictures or vectors, and their answers, as data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedder.errors import ImageError
from index.decision import CheckOptions
from likewise.arrays import Floats
from likewise.server.answering.pictures import Pictures

CHECK, QUERY, EMBED = "check", "query", "embed"
PIECE = 256  # pictures of one request that are answered in one turn


@dataclass(frozen=True, slots=True)
class Options:
    """What an answer is made of, beside the picture.

    Attributes:
        kind: `CHECK`, `QUERY` or `EMBED`.
        check: How it is checked; of a query `k`, `at` and `evidence` count.
    """

    kind: str
    check: CheckOptions = CheckOptions()


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What one request asks: about which pictures, with which options."""

    options: Options
    pictures: Pictures


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What came of one question.

    Attributes:
        rows: One JSON object for each picture or vector, as `likewise.output.rows` describes it.
        vectors: Of the pictures that could be read, `(m, dim)`.
        reasons: Why the others could not, by their places.
        generation: Of the gallery that answered.
        point: The operating point that decided, if one did.
        decisions: Of the rows, where they have any.
    """

    rows: list[bytes]
    vectors: Floats
    reasons: dict[int, ImageError]
    generation: int
    point: str | None
    decisions: list[str]


def joined(answers: list[Answer]) -> tuple[Floats, dict[int, ImageError]]:
    """The vectors of all pieces, and why pictures have none, by their places in the request."""
    reasons = {
        PIECE * piece + place: error
        for piece, answer in enumerate(answers)
        for place, error in answer.reasons.items()
    }
    return np.concatenate([answer.vectors for answer in answers]), reasons
