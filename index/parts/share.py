"""Which references belong to which part: blocks of slots, dealt in turn.

So parts stay equally large while references are added, and a part reads its own rows by ranges of
the store's key, without passing over those of the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from likewise.arrays import Bools, Indices

BLOCK = 1024  # slots: parts differ by no more references


@dataclass(frozen=True, slots=True)
class Share:
    """One part of several.

    Attributes:
        place: Which, from 0.
        of: How many there are.
        block: Consecutive slots of one part.

    Example:
        >>> share = Share(1, of=3, block=10)
        >>> list(share.spans(after=0, last=45))
        [(9, 19), (39, 45)]
    """

    place: int
    of: int
    block: int = BLOCK

    def has(self, slots: Indices) -> Bools:
        """Whether slots, of any shape, belong to the part."""
        mine: Bools = slots // self.block % self.of == self.place
        return mine

    def spans(self, after: int, last: int) -> Iterator[tuple[int, int]]:
        """The part's slots beyond `after` and up to `last`, as spans of the same kind.

        Args:
            after: The last slot that is left out.
            last: The last slot that is not.
        """
        turn = self.block * self.of
        begin = (after + 1) // turn * turn + self.place * self.block
        for first in range(begin, last + 1, turn):
            span = max(first, after + 1) - 1, min(first + self.block - 1, last)
            if span[0] < span[1]:
                yield span
