"""The parts of a gallery as actors of Ray: started, asked together, waited for when one is lost.

Ray starts a lost one again, on a node that has room. It comes back empty, and a thread has it
load its part from the gallery; until then no question is answered.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from embedder.text import counted
from index.errors import PartMissingError, StoreError
from index.gallery import Gallery
from index.parts.contract import Parts
from index.parts.part import Standing
from index.parts.share import Share
from index.references.rows import Row, State
from likewise.bulk.ray import connect, processors_of, ray
from likewise.spread.holder import Holder, Outcome

Tell = Callable[[str], object]
PATIENCE = 300.0  # seconds that a command waits for a part that is nowhere
# Memory of a part: its process, and of each reference two copies of the vector, for questions
# about groups take a second one, with ids, labels, slots and what loading takes beside them.
_PROCESS, _NAMES = 160 << 20, 256
_LOOK = 0.5  # seconds between two looks whether it all ends
_AGAIN = 1.0  # seconds between two attempts to load
_PING = 2.0  # seconds after which a part that does not answer is taken to be busy
_LOST = 4  # times that a question is asked again
_LOADS = 3  # times that loading is waited for before it counts as waiting


class Actors(Parts):
    """Processes on the nodes of a cluster.

    Args:
        library: Ray, connected; disconnected by `close`.
        gallery: The gallery whose references they hold.
        count: How many there are.
        patience: Seconds to wait for a part that is not there; 0 to refuse at once.
        tell: Called with a sentence if the nodes have different processors.
    """

    def __init__(
        self, library: Any, gallery: Gallery, count: int, patience: float, tell: Tell
    ) -> None:
        self.epoch, self._makers = 0, set[str]()
        self._ray, self._patience, self._tell = library, patience, tell
        self._gallery = gallery.place
        self._state: State = gallery.parts()[1].state()
        place = gallery.place.absolute() if isinstance(gallery.place, Path) else gallery.place
        rows = -(-self._state.count // count)
        each = _PROCESS + rows * (2 * 4 * gallery.dim + _NAMES)
        # Next to no processor: memory decides where a part has room. Never on a node without any.
        options = {"num_cpus": 0.01, "memory": each, "max_restarts": -1}
        made = library.remote(**options, scheduling_strategy="SPREAD")(Holder)
        cache = os.environ.get("LIKEWISE_CACHE")
        self._actors = [made.remote(place, Share(n, count), cache) for n in range(count)]
        self._lock, self._whole, self._closed = Lock(), Event(), Event()
        self._reason, self._damage, self._reading = "", "", False
        self._mending: Thread | None = None
        self._mend()

    def follow(self, state: State, lent: Sequence[Row], *, anew: bool) -> list[Standing]:
        """As the contract has it.

        Args:
            state: The state that all are to hold.
            lent: Rows that some parts may lack.
            anew: Whether they first forget what they hold.
        """
        self._state = state
        return self._each("follow", state, lent, anew)

    def answers(self, state: State, question: str, arguments: tuple[Any, ...]) -> list[Any]:
        """As the contract has it.

        Args:
            state: The state that all are to hold.
            question: As for `asked.answer`.
            arguments: As for `asked.answer`.
        """
        return self._each("answer", state, question, arguments, loaded=True)

    def require_ready(self) -> None:
        """As the contract has it: asks all parts whether they are there."""
        if not self._whole.is_set():
            raise self._missing()
        sent = self._sent("here")
        answered, _ = self._ray.wait(sent, num_returns=len(sent), timeout=_PING)
        if self._outcomes(answered, loaded=True) is None:
            raise self._missing()

    def close(self) -> None:
        """As the contract has it; leaves the cluster."""
        self._closed.set()
        if self._mending is not None:
            self._mending.join()
        for actor in self._actors:
            with suppress(Exception):  # one that is lost
                self._ray.kill(actor)
        self._ray.shutdown()

    # ------------------------------------------------------------ questions

    def _each(self, method: str, *arguments: Any, loaded: bool = False) -> list[Any]:
        """The results of all parts, once all are there; a question that ends them is given up."""
        for _ in range(1 + _LOST):
            self._await()
            outcomes = self._outcomes(self._sent(method, *arguments), loaded=loaded)
            if outcomes is not None:
                return [outcome.result for outcome in outcomes]
        raise self._missing()

    def _sent(self, method: str, *arguments: Any) -> list[Any]:
        return [getattr(actor, method).remote(*arguments) for actor in self._actors]

    def _outcomes(self, sent: Sequence[Any], *, loaded: bool) -> list[Outcome] | None:
        """What returned; None, and all are loaded, if one is lost, or empty and should not be."""
        try:
            outcomes: list[Outcome] = self._ray.get(sent)
        except self._ray.exceptions.RayError as error:
            self._mend(_ended(error))
            return None
        for outcome in outcomes:
            if outcome.failure and not outcome.passes:
                raise StoreError(outcome.failure)
            if outcome.failure or (loaded and not outcome.loaded):
                self._mend(outcome.failure or "a part was started again")
                return None
        return outcomes

    def _await(self) -> None:
        """Wait until all parts are loaded, as long as there is patience."""
        end = time.monotonic() + self._patience
        while not self._whole.wait(min(_LOOK, self._patience)):
            if self._damage:
                raise StoreError(self._damage)
            if self._reading:
                end = time.monotonic() + self._patience
            if time.monotonic() >= end:
                raise self._missing()

    def _missing(self) -> PartMissingError:
        waited = f" for {self._patience:g} s" if self._patience else ""
        return PartMissingError(
            f"A part of '{self._gallery}' is missing{waited}, and nothing is answered without it: "
            f"{self._reason}. Start a node with room for it, or use more --parts, each smaller."
        )

    # ------------------------------------------------------------ a thread that loads

    def _mend(self, reason: str = "no node has room for it") -> None:
        """Have all parts loaded, by a thread; until then they are not whole."""
        with self._lock:
            if self._mending is not None and not self._whole.is_set():
                return
            self._whole.clear()
            self.epoch += 1
            self._reason = reason
            self._mending = Thread(target=self._load, name="parts", daemon=True)
            self._mending.start()

    def _load(self) -> None:
        attempts = 0
        while not self._closed.is_set():
            failure = self._loaded(attempts)
            if failure is None:
                with self._lock:
                    self._whole.set()
                return
            self._reason, attempts = failure or self._reason, attempts + 1
            self._closed.wait(_AGAIN)

    def _loaded(self, attempts: int) -> str | None:
        """Try once; None if all parts are loaded, else why not."""
        try:
            self._gathered("here")
            self._reading = attempts < _LOADS
            outcomes = self._gathered("load", self._state)
        except self._ray.exceptions.RayError as error:
            return _ended(error)
        finally:
            self._reading = False
        for outcome in outcomes:
            if outcome.failure and not outcome.passes:
                self._damage = outcome.failure
            if outcome.failure:
                return outcome.failure.rstrip(".")
        self._damage = ""
        self._warn({outcome.made_by for outcome in outcomes})
        return None if outcomes else ""

    def _warn(self, makers: set[str]) -> None:
        """Warn of different processors, once."""
        if len(makers) > 1 and makers != self._makers:
            self._tell(
                "Warning: the parts are on different processors or versions, so that distances may "
                f"differ in their last digits: {'; '.join(sorted(makers))}."
            )
        self._makers = makers

    def _gathered(self, method: str, *arguments: Any) -> list[Outcome]:
        """What returns from all parts; nothing if all ends meanwhile."""
        sent = self._sent(method, *arguments)
        while self._ray.wait(sent, num_returns=len(sent), timeout=_LOOK)[1]:
            if self._closed.is_set():
                return []
        outcomes: list[Outcome] = self._ray.get(sent)
        return outcomes


def _ended(error: Exception) -> str:
    return f"its process has ended ({type(error).__name__})"


def spread_over(
    address: str,
    gallery: Gallery,
    count: int,
    patience: float = PATIENCE,
    tell: Tell = lambda sentence: None,
) -> None:
    """Put the references of a gallery on the nodes of a cluster, until the gallery is closed.

    Args:
        address: As for `likewise.bulk.ray.joined`.
        gallery: An open gallery.
        count: Number of parts.
        patience: Seconds to wait for a part that is not there; 0 to refuse questions at once.
        tell: Called with a sentence, which cluster it is; and with another, if its nodes have
            different processors.

    Raises:
        ClusterError: If there is no Ray, or no cluster at the address.
    """
    library = ray()
    found = connect(library, address)
    try:
        nodes = counted(len(processors_of(library)), "node")
        tell(f"{found}, {nodes}; the references are in {counted(count, 'part')}.")
        gallery.spread(Actors(library, gallery, count, patience, tell))
    except BaseException:
        library.shutdown()
        raise
