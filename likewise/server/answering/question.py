"""Questions about pictures or vectors, and their answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedder.errors import ImageError
from index.decision import CheckOptions
from likewise.arrays import Floats
from likewise.server.answering.pictures import Pictures

CHECK, QUERY, EMBED = "check", "query", "embed"
PIECE = 256  # pictures of one request per turn


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a question.

    Attributes:
        kind: `CHECK`, `QUERY` or `EMBED`.
        check: Check options; a query uses only `k`, `at` and `evidence`.
    """

    kind: str
    check: CheckOptions = CheckOptions()


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """The pictures and options of a request, or of a piece of it."""

    options: Options
    pictures: Pictures


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The answer to one question.

    Attributes:
        rows: One JSON object for each picture or vector, as `likewise.output.rows` describes it.
        vectors: Vectors of the readable pictures, `(m, dim)`.
        reasons: Errors of the unreadable ones, by position.
        generation: The gallery's generation.
        point: The operating point used, if any.
        decisions: The rows' decisions, if they have any.
    """

    rows: list[bytes]
    vectors: Floats
    reasons: dict[int, ImageError]
    generation: int
    point: str | None
    decisions: list[str]


def joined(answers: list[Answer]) -> tuple[Floats, dict[int, ImageError]]:
    """The vectors of all pieces, and the errors by position in the request."""
    reasons = {
        PIECE * piece + place: error
        for piece, answer in enumerate(answers)
        for place, error in answer.reasons.items()
    }
    return np.concatenate([answer.vectors for answer in answers]), reasons
