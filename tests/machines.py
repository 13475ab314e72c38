"""A machine in this process to which work goes as copies."""

from __future__ import annotations

import pickle
from collections.abc import Generator, Iterable

from embedder.data.records import Record
from index.address import Place
from likewise.bulk import elsewhere
from likewise.bulk.division import divided
from likewise.bulk.elsewhere import Answer, ElsewhereError, done


class Copies:
    """Sees nothing but copies of what is sent to it, and breaks after some parts.

    Args:
        size: Records of a part.
        breaks_after: Number of parts, or None to last.
    """

    def __init__(self, size: int = 7, breaks_after: int | None = None) -> None:
        self.size, self.left = size, breaks_after

    def results(self, work, stream: Iterable[Record]) -> Generator:
        for part in divided(stream, self.size):
            if self.left == 0:
                raise ElsewhereError("the machine broke")
            self.left = None if self.left is None else self.left - 1
            sent = pickle.loads(pickle.dumps((work, part)))
            answer: Answer = pickle.loads(pickle.dumps(done(*sent)))
            if answer.failure:
                raise ElsewhereError(answer.failure)
            yield answer.result


def forget(*galleries: Place) -> None:
    """Let go of what this process has opened for work that was sent to it.

    Args:
        galleries: Those that are closed; without one, they are merely dropped.
    """
    for gallery in galleries:
        elsewhere._opened(gallery).close()
    elsewhere._opened.cache_clear()
    elsewhere._model.cache_clear()
