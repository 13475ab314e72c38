"""Pictures of a run that are nearly one grey value: how many, and a warning about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from embedder.text import counted
from likewise.decoding import Decoded
from likewise.output.rows import Row


@dataclass(slots=True)
class Remarks:
    """Counts the pictures with a remark.

    Attributes:
        count: Their number.
        total: All pictures that could be read, where `add_all` counts.
        first: The first one's id and its remark; empty without any.

    Example:
        >>> remarks = Remarks()
        >>> remarks.add("blank.png", "nearly one grey value to the model, 255..255 of 255")
        >>> [remarks.count, *remarks.warnings()]
        [1, 'Warning: blank.png is nearly one grey value to the model, 255..255 of 255: ...']
    """

    count: int = 0
    total: int = 0
    first: str = ""

    def add(self, id: str, remark: str) -> None:
        """Count a picture.

        Args:
            id: The picture's id.
            remark: What makes its answer doubtful.
        """
        self.count += 1
        self.first = self.first or f"{id} is {remark}"

    def add_all(self, part: Decoded) -> None:
        """Count the pictures of decoded records."""
        self.total += len(part.images)
        for place, remark in part.remarks.items():
            self.add(part.records[place].id, remark)

    def include(self, part: Remarks) -> None:
        """Count the pictures of a part too."""
        self.count += part.count
        self.total += part.total
        self.first = self.first or part.first

    def of_rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Pass the rows of queries on, and count those with a remark."""
        for row in rows:
            if "reason" in row and row["neighbours"]:
                self.add(row["id"], row["reason"])
            yield row

    @property
    def are_most(self) -> bool:
        """Whether they are more than half of all pictures, so that nothing follows from these."""
        return 2 * self.count > self.total

    def warnings(self) -> list[str]:
        """Warn in a sentence; none if there is nothing to warn of."""
        if not self.count:
            return []
        more = f", and so {_are(self.count - 1)}" if self.count > 1 else ""
        return [
            f"Warning: {self.first}{more}: blank, or its values are of another range than 0..255."
        ]


def _are(others: int) -> str:
    return f"{'is' if others == 1 else 'are'} {counted(others, 'other')}"
