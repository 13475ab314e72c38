"""Requests that wait at the same time are answered together, by one thread.

There is no timer: the thread takes whatever is there, so that on an idle server a request goes at
once and alone, and on a busy one as many go together as came during the last turn. A large request
comes in pieces, one of them in each turn, so that it delays small ones by no more than a piece.

Does not know what a question is.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Thread
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")

_TURN = 512  # pictures answered together: more gain nothing, and all wait for the last


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Q, A]):
    question: Q
    size: int
    future: asyncio.Future[A]
    since: float


class Batcher(Generic[Q, A]):
    """A queue and the thread that empties it.

    Args:
        answer: Gives an answer, or an exception, for each of some questions. Called in the thread.
        observe: Told of each turn how long its questions waited, in seconds, and its size.

    Example:
        >>> async def asked() -> list[int]:
        ...     batcher = Batcher(lambda questions: [len(text) for text in questions])
        ...     batcher.start()
        ...     try:
        ...         return await asyncio.gather(batcher.ask("a", 1), batcher.ask("bc", 1))
        ...     finally:
        ...         batcher.close()
        >>> asyncio.run(asked())
        [1, 2]
    """

    def __init__(
        self,
        answer: Callable[[list[Q]], Sequence[A | Exception]],
        observe: Callable[[Sequence[float], int], object] = lambda waits, size: None,
    ) -> None:
        self._answer = answer
        self._observe = observe
        self._small: deque[_Waiting[Q, A]] = deque()
        self._pieces: deque[_Waiting[Q, A]] = deque()
        self._arrived = Event()
        self._closing = False
        self._thread = Thread(target=self._work, name="batches", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Let the thread end once nothing waits, and wait for it."""
        self._closing = True
        self._arrived.set()
        if self._thread.ident is not None:
            self._thread.join()

    def __len__(self) -> int:
        """How many questions wait."""
        return len(self._small) + len(self._pieces)

    async def ask(self, question: Q, size: int, *, piece: bool = False) -> A:
        """Give the answer to a question; who stops waiting for it takes it off the queue.

        Args:
            question: What `answer` is to be given.
            size: How many pictures that is.
            piece: Whether it is part of a large request, which lets small ones go first.

        Raises:
            Exception: Whatever `answer` gave, or raised, for it.
        """
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(question, size, future, time.perf_counter())
        (self._pieces if piece else self._small).append(waiting)
        self._arrived.set()
        return await future

    def _work(self) -> None:
        while not (self._closing and not len(self)):
            self._arrived.wait()
            self._arrived.clear()
            while turn := self._turn():
                now = time.perf_counter()
                size = sum(waiting.size for waiting in turn)
                self._observe([now - waiting.since for waiting in turn], size)
                answers = self._answered([waiting.question for waiting in turn])
                loop = turn[0].future.get_loop()
                loop.call_soon_threadsafe(_deliver, turn, answers)

    def _turn(self) -> list[_Waiting[Q, A]]:
        """What waits, up to a turn's worth: one piece, and of the small ones as many as fit."""
        turn: list[_Waiting[Q, A]] = []
        size = 0
        while self._pieces and not turn:
            _append(turn, self._pieces.popleft())
        while self._small and size < _TURN:
            waiting = self._small.popleft()
            size += waiting.size
            _append(turn, waiting)
        return turn

    def _answered(self, questions: list[Q]) -> Sequence[A | Exception]:
        try:
            return self._answer(questions)
        except Exception as error:  # must not end the thread: all that wait would wait for ever
            return [error] * len(questions)


def _append(turn: list[_Waiting[Q, A]], waiting: _Waiting[Q, A]) -> None:
    """Add what somebody still waits for."""
    if not waiting.future.done():
        turn.append(waiting)


def _deliver(turn: list[_Waiting[Q, A]], answers: Sequence[A | Exception]) -> None:
    """Hand the answers over, in the event loop's thread."""
    for waiting, answer in zip(turn, answers, strict=True):
        if waiting.future.done():
            continue
        if isinstance(answer, Exception):
            waiting.future.set_exception(answer)
        else:
            waiting.future.set_result(answer)
