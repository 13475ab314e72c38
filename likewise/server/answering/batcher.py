"""Dynamic batching: one thread answers all waiting questions together, in turns.

There is no fixed delay: a turn takes all waiting questions. On an idle server a request is answered
at once and alone; on a busy one a turn has all requests that arrived during the last. A turn starts
when the event loop has nothing more to read: an earlier turn would be small and would compete with
the loop for Python's lock. It also waits some milliseconds for clients that are likely to ask,
those just answered or just connected; else clients split into two halves that wait for each other.
A large request is cut into pieces, one per turn, so it delays small ones by at most one piece.

Independent of what a question is.
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

_LOOKS = 3  # idle rounds of the event loop before a turn starts
_GRACE = 0.004  # seconds without a new question after which a turn starts
_BACK = 0.012  # longest wait for others, in seconds, after the last turn or its first question
_TURN = 512  # pictures per turn: more gain no throughput and cost latency


@dataclass(slots=True, eq=False)
class _Waiting:
    """A waiting question.

    Attributes:
        question: The question.
        size: Its number of pictures.
        future: Future of the answer.
        since: Time of arrival.
    """

    question: Any
    size: int
    future: asyncio.Future[Any]
    since: float


class Batcher(Generic[Q, A]):
    """A queue, and the thread that empties it.

    Everything but the work itself runs in the event loop's thread.

    Args:
        work: Turns questions into as many answers, any of which may be an exception; an
            exception that it raises is for all. Called in the batcher's thread.
        observe: Called for each turn with the waiting times of its questions, in seconds, and
            the number of pictures.

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
        self._began: float | None = None  # when the turn under way did
        self._turns: SimpleQueue[list[_Waiting] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="batcher", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop the thread after its turn; no question may be waiting."""
        self._turns.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def __len__(self) -> int:
        """Number of waiting questions."""
        return len(self._small) + len(self._pieces)

    def busy(self) -> float:
        """Seconds that the turn under way has taken; 0 between turns."""
        began = self._began
        return 0.0 if began is None else time.perf_counter() - began

    async def ask(self, question: Q, size: int, *, piece: bool = False) -> A:
        """Answer a question; cancelling removes it from the queue.

        Args:
            question: The question.
            size: Its number of pictures.
            piece: Whether it is part of a large request, which lets small ones go first.

        Raises:
            Exception: The exception that the work returned or raised for it.
        """
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._latest = time.perf_counter()
        waiting = _Waiting(question, size, future, self._latest)
        (self._pieces if piece else self._small).append(waiting)
        self._arrivals += 1
        self._begin_soon()
        return await future

    def expect(self, client: Hashable) -> None:
        """Note that a client has connected and is likely to ask."""
        self._newcomers[client] = time.perf_counter()

    def expect_no_more(self, client: Hashable) -> None:
        """Note that the client has asked, or left."""
        self._newcomers.pop(client, None)

    def _begin_soon(self) -> None:
        if self._resting and len(self):
            self._resting = False
            asyncio.get_running_loop().call_soon(self._begin_when_quiet, self._arrivals, _LOOKS)

    def _begin_when_quiet(self, arrivals: int, looks: int) -> None:
        """Start a turn, unless more questions have arrived or are expected."""
        looks = _LOOKS if self._arrivals > arrivals else looks - 1
        if len(self) < _TURN and (looks > 0 or self._more_expected()):
            asyncio.get_running_loop().call_soon(self._begin_when_quiet, self._arrivals, looks)
            return
        turn = self._turn()
        if turn:
            now = time.perf_counter()
            size = sum(waiting.size for waiting in turn)
            self._observe([now - waiting.since for waiting in turn], size)
            self._turns.put(turn)
        else:
            self._resting = True

    def _more_expected(self) -> bool:
        """Whether clients are likely to ask now: those just connected or just answered.

        A client that misses a turn waits for two.
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
        """The questions of the next turn: one piece, and as many small ones as fit."""
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
            self._began = time.perf_counter()
            answers = self._answers([waiting.question for waiting in turn])
            self._began = None
            turn[0].future.get_loop().call_soon_threadsafe(self._end, turn, answers)

    def _answers(self, questions: list[Q]) -> Sequence[A | Exception]:
        try:
            return self._work(questions)
        except Exception as error:  # must not end the thread: nothing would be answered again
            return [error] * len(questions)

    # ------------------------------------------------------------ in the loop's again

    def _end(self, turn: list[_Waiting], answers: Sequence[A | Exception]) -> None:
        """Deliver the answers of a turn and prepare the next one."""
        for waiting, answer in zip(turn, answers, strict=True):
            if waiting.future.done():
                continue
            if isinstance(answer, Exception):
                waiting.future.set_exception(answer)
            else:
                waiting.future.set_result(answer)
        self._ended = time.perf_counter()
        self._expected = len(turn) + len(self)
        self._resting = True
        self._begin_soon()


def _append(turn: list[_Waiting], waiting: _Waiting) -> None:
    """Add a question that was not cancelled."""
    if not waiting.future.done():
        turn.append(waiting)
