"""What runs in each process of the cluster: one part of the references, and the store it reads."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from index.address import Place
from index.errors import BusyError, OlderStateError, UnreachableError
from index.gallery import Gallery
from index.parts.asked import answer
from index.parts.part import Part, Standing
from index.parts.share import Share
from index.references.contract import ReferenceStore
from index.references.rows import Row, State
from likewise.bulk.maker import maker
from likewise.bulk.shard import require_local
from likewise.errors import LikewiseError

_PASSING = (BusyError, OlderStateError, OSError, UnreachableError)  # may succeed when tried again


@dataclass(frozen=True, slots=True)
class Outcome:
    """What returns from a part: a result, or why there is none.

    Errors return as values, because Ray logs those that it sees raised, and ours name files.

    Attributes:
        result: The result, if `failure` is empty.
        failure: One sentence.
        passes: Whether the failure may pass.
        loaded: Whether the part holds references.
        made_by: Processor and versions of the machine.
    """

    result: Any
    failure: str
    passes: bool
    loaded: bool
    made_by: str


class Holder:
    """One part of a gallery; the gallery is opened when it is first needed.

    Args:
        gallery: Where it is on every machine.
        share: Which part.
        cache: Where local copies of a gallery in PostgreSQL lie; None for the user's cache.
    """

    def __init__(self, gallery: Place, share: Share, cache: str | None) -> None:
        if cache is not None:
            os.environ["LIKEWISE_CACHE"] = cache
        self._gallery, self._share = gallery, share
        self._part: Part | None = None
        self._store: ReferenceStore
        self._made_by = ", ".join(maker().values())

    def here(self) -> Outcome:
        """Say that the process lives."""
        return self._outcome(lambda: None)

    def load(self, state: State) -> Outcome:
        """Hold the references of a state, or of a later one if some of it were removed since."""

        def load() -> None:
            part = self._opened()
            if part.follow(self._store, state).missing:
                part.follow(self._store, self._store.state())

        return self._outcome(load)

    def follow(self, state: State, lent: Sequence[Row], anew: bool) -> Outcome:
        """Do what `Parts.follow` says.

        Args:
            state: The state that all are to hold.
            lent: Rows that some parts may lack.
            anew: Whether they first forget what they hold.
        """

        def follow() -> Standing:
            part = self._opened()
            if anew:
                part.clear()
            return part.follow(self._store, state, lent)

        return self._outcome(follow)

    def answer(self, state: State, question: str, arguments: tuple[Any, ...]) -> Outcome:
        """Do what `Parts.answers` says.

        Args:
            state: The state that all are to hold.
            question: As for `asked.answer`.
            arguments: As for `asked.answer`.
        """
        return self._outcome(lambda: answer(self._opened(), state, question, arguments))

    def _opened(self) -> Part:
        if self._part is None:
            require_local(self._gallery)
            gallery = Gallery.open(self._gallery)
            self._store = gallery.parts()[1]
            self._part = Part(self._share, gallery.dim)
        return self._part

    def _outcome(self, work: Callable[[], Any]) -> Outcome:
        result, failure, passes = None, "", False
        try:
            result = work()
        except (LikewiseError, OSError) as error:
            failure, passes = " ".join(str(error).split()), isinstance(error, _PASSING)
        except Exception as error:  # a defect; its traceback stays there
            failure = f"Unexpected {type(error).__name__}: {' '.join(str(error).split())}"
        failure = failure and f"On {platform.node()}: {failure}"
        loaded = self._part is not None and self._part.state is not None
        return Outcome(result, failure, passes, loaded, self._made_by)
