"""Requests that wait at the same time are answered together, by a thread for each stage.

There is no timer: a thread takes whatever waits for its stage, so that on an idle server a request
goes at once and alone, and on a busy one as many go together as came during the last turn. While
one stage works on some, the one before it works on others. A large request comes in pieces, one of
them in each turn, so that it delays small ones by no more than a piece.

Does not know what a question is.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any, Generic, TypeVar, cast

Q = TypeVar("Q")
A = TypeVar("A")

# What a stage makes of some questions: for each the next stage's question or, of the last stage,
# the answer; or an exception, which ends it.
Work = Callable[[list[Any]], Sequence[Any]]

_TURN = 512  # pictures answered together: more gain nothing, and all wait for the last


@dataclass(slots=True, eq=False)
class _Waiting:
    """One question on its way.

    Attributes:
        question: What the next stage is given.
        size: How many pictures that is.
        piece: Whether it is part of a large request.
        future: Where the answer goes.
        since: When it was asked.
    """

    question: Any
    size: int
    piece: bool
    future: asyncio.Future[Any]
    since: float


class Batcher(Generic[Q, A]):
    """Stages, each with a queue and the thread that empties it.

    Args:
        stages: What each stage does, called in its thread.
        observe: Told of each turn of the first stage how long its questions had waited, in
            seconds, and how many pictures they are.

    Example:
        >>> async def asked() -> list[int]:
        ...     batcher = Batcher(lambda texts: [len(text) for text in texts])
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
        *stages: Work,
        observe: Callable[[Sequence[float], int], object] = lambda waits, size: None,
    ) -> None:
        self._observe = observe
        self._stages: list[_Stage] = []
        for work in reversed(stages):
            self._stages.insert(0, _Stage(work, self._stages[0] if self._stages else None))
        self._stages[0].observe = self._told

    def start(self) -> None:
        """Start the threads."""
        for stage in self._stages:
            stage.thread.start()

    def close(self) -> None:
        """Let the threads end once nothing waits, and wait for them."""
        for stage in self._stages:
            stage.close()

    def __len__(self) -> int:
        """How many questions wait."""
        return sum(map(len, self._stages))

    async def ask(self, question: Q, size: int, *, piece: bool = False) -> A:
        """Give the answer to a question; who stops waiting for it takes it off the queue.

        Args:
            question: What the first stage is to be given.
            size: How many pictures that is.
            piece: Whether it is part of a large request, which lets small ones go first.

        Raises:
            Exception: Whatever a stage gave, or raised, for it.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._stages[0].put([_Waiting(question, size, piece, future, time.perf_counter())])
        return cast(A, await future)

    def _told(self, turn: Sequence[_Waiting]) -> None:
        now = time.perf_counter()
        self._observe([now - one.since for one in turn], sum(one.size for one in turn))


class _Stage:
    """One queue and its thread.

    Args:
        work: What is done with what waits.
        following: Where it goes then; None for the last stage, after which it is answered.
    """

    def __init__(self, work: Work, following: _Stage | None) -> None:
        self.observe: Callable[[Sequence[_Waiting]], object] = lambda turn: None
        self.thread = Thread(target=self._run, name="stage", daemon=True)
        self._work = work
        self._following = following
        self._small: deque[_Waiting] = deque()
        self._pieces: deque[_Waiting] = deque()
        self._arrived = Event()
        self._closing = False

    def __len__(self) -> int:
        return len(self._small) + len(self._pieces)

    def put(self, some: Sequence[_Waiting]) -> None:
        """Let some wait for their turn."""
        for one in some:
            (self._pieces if one.piece else self._small).append(one)
        self._arrived.set()

    def close(self) -> None:
        """Let the thread end once nothing waits, and wait for it."""
        self._closing = True
        self._arrived.set()
        if self.thread.ident is not None:
            self.thread.join()

    def _run(self) -> None:
        while not (self._closing and not len(self)):
            self._arrived.wait()
            self._arrived.clear()
            while turn := self._turn():
                self.observe(turn)
                self._pass_on(turn, self._done([one.question for one in turn]))

    def _turn(self) -> list[_Waiting]:
        """What waits, up to a turn's worth: one piece, and of the small ones as many as fit."""
        turn: list[_Waiting] = []
        size = 0
        while self._pieces and not turn:
            _append(turn, self._pieces.popleft())
        while self._small and size < _TURN:
            size += self._small[0].size
            _append(turn, self._small.popleft())
        return turn

    def _done(self, questions: list[Any]) -> Sequence[Any]:
        try:
            return self._work(questions)
        except Exception as error:  # must not end the thread: all that wait would wait for ever
            return [error] * len(questions)

    def _pass_on(self, turn: list[_Waiting], results: Sequence[Any]) -> None:
        """Give what has come of some to the next stage, or to those who asked."""
        ended = []
        further = []
        for one, result in zip(turn, results, strict=True):
            if self._following is None or isinstance(result, Exception):
                ended.append((one.future, result))
            else:
                one.question = result
                further.append(one)
        if self._following is not None and further:
            self._following.put(further)
        if ended:
            ended[0][0].get_loop().call_soon_threadsafe(_deliver, ended)


def _append(turn: list[_Waiting], waiting: _Waiting) -> None:
    """Add what somebody still waits for."""
    if not waiting.future.done():
        turn.append(waiting)


def _deliver(ended: list[tuple[asyncio.Future[Any], Any]]) -> None:
    """Hand answers over, in the event loop's thread."""
    for future, result in ended:
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
