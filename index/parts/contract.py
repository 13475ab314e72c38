"""What a gallery in parts needs of whoever holds them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from index.parts.part import Standing
from index.references.rows import Row, State


class Parts(ABC):
    """Processes that hold one `Part` each, and serve one gallery object.

    A part that was lost comes back empty. Whoever asks learns of it by `epoch`, and brings the
    parts to the state of the question before an answer counts.

    Attributes:
        epoch: Grows whenever a part may have been lost.
    """

    epoch: int

    @abstractmethod
    def follow(self, state: State, lent: Sequence[Row], *, anew: bool) -> list[Standing]:
        """`Part.follow` of each part: their standings, in order.

        Args:
            state: The state that all are to hold.
            lent: Rows that some parts may lack.
            anew: Whether they first forget what they hold.

        Raises:
            PartMissingError: If a part is not there.
        """

    @abstractmethod
    def answers(self, state: State, question: str, arguments: tuple[Any, ...]) -> list[Any]:
        """`asked.answer` of each part, in order; None from one that does not hold the state.

        Args:
            state: The state that they must hold.
            question: As for `asked.answer`.
            arguments: As for `asked.answer`.

        Raises:
            PartMissingError: If a part is not there.
        """

    @abstractmethod
    def require_ready(self) -> None:
        """Refuse if a part is not there, without waiting for it.

        Raises:
            PartMissingError: If one is not.
        """

    @abstractmethod
    def close(self) -> None:
        """End the processes."""
