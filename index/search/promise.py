"""What an approximate search promises, and what it was measured to keep on a sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from index.search.scan import Effort
from index.search.setting import SearchSetting
from likewise.metrics.intervals import clopper_pearson

_GROWN = 2  # times as many references as when it was measured, or as few: measured anew


@dataclass(frozen=True, slots=True)
class Lost:
    """A query whose nearest reference is not found.

    Attributes:
        nearest: Its distance.
        found: Distance of the nearest one that is found, larger; None where none is.
        same: Whether both are of the same group.
    """

    nearest: float
    found: float | None
    same: bool

    def differs(self, threshold: float) -> bool:
        """Whether the nearest found decides otherwise at a threshold than the nearest does."""
        if self.nearest > threshold:
            return False
        return not self.same or self.found is None or self.found > threshold


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found of a sample of queries.

    Attributes:
        asked: How many there are, 1 or more.
        lost: Those whose nearest reference is not found.
    """

    asked: int
    lost: tuple[Lost, ...]

    @property
    def recall(self) -> float:
        """The share whose nearest reference is found."""
        return 1 - len(self.lost) / self.asked

    def differing(self, threshold: float) -> float:
        """The share for which the nearest reference found decides otherwise than the nearest does.

        Args:
            threshold: The largest distance that is a match.
        """
        return sum(lost.differs(threshold) for lost in self.lost) / self.asked

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Measured:
        """What `asdict` gave."""
        lost = (Lost(**each) for each in stored["lost"])
        return cls(int(stored["asked"]), tuple(lost))


def proves(found: int, asked: int, recall: float) -> bool:
    """Whether a sample proves a recall: the lower end of its 95 % interval reaches it.

    Args:
        found: Queries whose nearest reference is found.
        asked: Queries of the sample, 1 or more.
        recall: What is promised.

    Example:
        >>> proves(4070, 4096, 0.99), proves(99, 100, 0.99)
        (True, False)
    """
    return clopper_pearson(found, asked)[0] >= recall


@dataclass(frozen=True, slots=True)
class Promise:
    """An approximate search, as it was measured.

    Attributes:
        recall: The share of nearest references that it is to find.
        recall_of: `both` known and unknown queries, or `known` ones alone.
        trained: How many references there were.
        effort: How far a query looks; None where nothing was found to keep the promise, so that
            search stays exact.
        known: What is found of references asked without themselves; None if not measured.
        unknown: What is found of them without their groups; None where there are not two groups.
        between: What is found of points halfway between two groups, which stand for unknown too.
        gain: How many times as long an exact search took; None if not measured.
    """

    recall: float
    recall_of: str
    trained: int
    effort: Effort | None = None
    known: Measured | None = None
    unknown: Measured | None = None
    between: Measured | None = None
    gain: float | None = None

    def is_of(self, setting: SearchSetting, count: int) -> bool:
        """Whether it was measured for the same promise, and for about as many references.

        Args:
            setting: What is promised.
            count: How many references there are.
        """
        same = (self.recall, self.recall_of) == (setting.recall, setting.recall_of)
        return same and self.trained / _GROWN <= count <= self.trained * _GROWN

    def to_json(self) -> dict[str, Any]:
        """The promise as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Promise:
        """What `to_json` gave.

        Raises:
            KeyError: If a field is missing.
            TypeError: If there is one too many, or a value of another type.
            ValueError: The same.
        """
        parts = dict(stored)
        if parts["effort"] is not None:
            parts["effort"] = Effort(**parts["effort"])
        for name in ("known", "unknown", "between"):
            if parts[name] is not None:
                parts[name] = Measured.from_json(parts[name])
        return cls(**parts)
