"""How many rows of a check have which decision."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field

from embedder.text import counted
from index.decision import AMBIGUOUS, ERROR, MATCH, NO_MATCH
from likewise.output.rows import Row
from likewise.remarks import Remarks


@dataclass(slots=True)
class Summary:
    """Counts of rows by decision, and the duration.

    Attributes:
        decisions: Number of rows by decision.
        seconds: Duration of the whole stream, once it has ended.
        remarks: On pictures that are nearly one grey value.

    Example:
        >>> summary = Summary()
        >>> [row["id"] for row in summary.counted([{"id": "a.png", "decision": "match"}])]
        ['a.png']
        >>> summary.seconds = 0.5
        >>> summary.sentence()
        '1 picture: 1 match, 0 no_match, 0 ambiguous, 0 unreadable; 0.5 s, 2 pictures per second'
    """

    decisions: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    remarks: Remarks = field(default_factory=Remarks)

    def counted(
        self, rows: Iterable[Row], progress: Callable[[int], object] = lambda count: None
    ) -> Generator[Row, None, None]:
        """Pass rows on and count them.

        Args:
            rows: The rows of a check.
            progress: Called with 1 once a row is consumed.
        """
        started = time.monotonic()
        for row in rows:
            self.decisions[row["decision"]] += 1
            if "reason" in row and row["decision"] != ERROR:
                self.remarks.add(row["id"], row["reason"])
            yield row
            progress(1)
        self.seconds = time.monotonic() - started

    def include(self, part: Summary) -> None:
        """Count the rows of a part too; the duration stays."""
        self.decisions.update(part.decisions)
        self.remarks.include(part.remarks)

    @property
    def total(self) -> int:
        """Number of rows that were counted."""
        return self.decisions.total()

    def sentence(self) -> str:
        """Report the counts and the speed."""
        counts = ", ".join(
            f"{self.decisions[name]} {name}" for name in (MATCH, NO_MATCH, AMBIGUOUS)
        )
        rate = self.total / max(self.seconds, 1e-9)
        return (
            f"{counted(self.total, 'picture')}: {counts}, {self.decisions[ERROR]} unreadable; "
            f"{self.seconds:.1f} s, {rate:.0f} pictures per second"
        )
