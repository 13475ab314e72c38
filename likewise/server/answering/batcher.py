"""Requests that wait at the same time are answered together, in turns, by one thread.

There is no timer: a turn takes whatever waits, so that on an idle server a request goes at once
and alone, and on a busy one all go together that came during the last turn. It begins when the
event loop has nothing more to read. While answers go out and the next requests come in, Python is
busy with them; a turn begun meanwhile would be small and would wait for Python's lock again and
again, and so would they. For some milliseconds it also waits for those that are about to ask: that
were just answered, or have just connected. They would split into halves that wait for each other's
turns. A large request comes in pieces, one of them in each turn, so that it delays small ones by no
more than a piece.

Does not know what a question is.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")

_LOOKS = 3  # times that the loop finds nothing new to read before a turn begins
_GRACE = 0.004  # seconds without a new question after which nobody more is expected
_BACK = 0.012  # seconds that a turn waits for others at most, after the last or after its first
_TURN = 512  # pictures answered together: more gain nothing, and all wait for the last


@dataclass(slots=True, eq=False)
class _Waiting:
    """One question that waits.

    Attributes:
        question: What is asked.
        size: How many pictures that is.
        future: Where the answer goes.
        since: When it was asked.
    """

    question: Any
    size: int
    future: asyncio.Future[Any]
    since: float


class Batcher(Generic[Q, A]):
    """A queue, and the thread that empties it.

    All but the work itself happens in the event loop's thread.

    Args:
        work: Makes of some questions as many answers; in place of one, or raised for all, an
            exception. Called in the batcher's thread.
        observe: Told of each turn how long its questions had waited, in seconds, and how many
            pictures they are.

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
        work: Callable[[list[Q]], Sequence[A | Exception]],
        *,
        observe: Callable[[Sequence[float], int], object] = lambda waits, size: None,
    ) -> None:
        self._work = work
        self._observe = observe
        self._small: deque[_Waiting] = deque()
        self._pieces: deque[_Waiting] = deque()
        self._arrivals = 0
        self._latest = 0.0  # when the last of them came
        self._ended = 0.0  # when the last turn did
        self._expected = 1  # questions of the next turn, if all that were answered ask again
        self._newcomers: dict[Hashable, float] = {}  # when clients connected that have not asked
        self._resting = True  # neither a turn under way nor one about to begin
        self._turns: SimpleQueue[list[_Waiting] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="batcher", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Let the thread end after its turn, and wait for it; nothing may wait any more."""
        self._turns.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def __len__(self) -> int:
        """How many questions wait."""
        return len(self._small) + len(self._pieces)

    async def ask(self, question: Q, size: int, *, piece: bool = False) -> A:
        """Give the answer to a question; who stops waiting for it takes it off the queue.

        Args:
            question: What is asked.
            size: How many pictures that is.
            piece: Whether it is part of a large request, which lets small ones go first.

        Raises:
            Exception: Whatever the work gave, or raised, for it.
        """
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._latest = time.perf_counter()
        waiting = _Waiting(question, size, future, self._latest)
        (self._pieces if piece else self._small).append(waiting)
        self._arrivals += 1
        self._begin_soon()
        return await future

    def expect(self, client: Hashable) -> None:
        """Say that a client has connected and is about to ask."""
        self._newcomers[client] = time.perf_counter()

    def expect_no_more(self, client: Hashable) -> None:
        """Say that it has asked, or left."""
        self._newcomers.pop(client, None)

    def _begin_soon(self) -> None:
        if self._resting and len(self):
            self._resting = False
            asyncio.get_running_loop().call_soon(self._begin_when_quiet, self._arrivals, _LOOKS)

    def _begin_when_quiet(self, arrivals: int, looks: int) -> None:
        """Begin a turn, unless more has come since the loop looked last, or is about to."""
        looks = _LOOKS if self._arrivals > arrivals else looks - 1
        if len(self) < _TURN and (looks > 0 or self._more_expected()):
            asyncio.get_running_loop().call_soon(self._begin_when_quiet, self._arrivals, looks)
            return
        turn = self._turn()
        if turn:
            now = time.perf_counter()
            self._observe([now - one.since for one in turn], sum(one.size for one in turn))
            self._turns.put(turn)
        else:
            self._resting = True

    def _more_expected(self) -> bool:
        """Whether some are likely to ask now: who have just connected, or were just answered.

        Who misses a turn that the others are in waits for two.
        """
        now = time.perf_counter()
        self._newcomers = {
            client: came for client, came in self._newcomers.items() if now < came + _GRACE
        }
        if self._newcomers:
            return now < (self._small or self._pieces)[0].since + _BACK
        return (
            len(self) < self._expected
            and now < self._ended + _BACK
            and now < max(self._latest, self._ended) + _GRACE
        )

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

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        while (turn := self._turns.get()) is not None:
            answers = self._answers([one.question for one in turn])
            turn[0].future.get_loop().call_soon_threadsafe(self._end, turn, answers)

    def _answers(self, questions: list[Q]) -> Sequence[A | Exception]:
        try:
            return self._work(questions)
        except Exception as error:  # must not end the thread: all that wait would wait for ever
            return [error] * len(questions)

    # ------------------------------------------------------------ in the loop's again

    def _end(self, turn: list[_Waiting], answers: Sequence[A | Exception]) -> None:
        """Hand the answers of a turn over, and look for the next one."""
        for one, answer in zip(turn, answers, strict=True):
            if one.future.done():
                continue
            if isinstance(answer, Exception):
                one.future.set_exception(answer)
            else:
                one.future.set_result(answer)
        self._ended = time.perf_counter()
        self._expected = len(turn) + len(self)
        self._resting = True
        self._begin_soon()


def _append(turn: list[_Waiting], waiting: _Waiting) -> None:
    """Add what somebody still waits for."""
    if not waiting.future.done():
        turn.append(waiting)
