"""How a gallery is searched, as its owner chose: by itself, one way always, or approximately."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

Way = Literal["auto", "flat", "cells"]
Asking = Literal["both", "known"]
CODES = "vectors.codes"  # the file of an approximate search
BOUNDS = "vectors.bounds"  # the file from which a few queries are answered without all vectors
WAYS: tuple[str, ...] = get_args(Way)
ASKING: tuple[str, ...] = get_args(Asking)


@dataclass(frozen=True, slots=True)
class SearchSetting:
    """What `gallery.json` says of the search.

    Attributes:
        way: How exact search is done: `flat` by a scan of all references, `cells` by cells, `auto`
            by whichever was measured to be faster.
        recall: The share of nearest references that an approximate search is to find, above 0 and
            below 1; None for exact search.
        recall_of: Which queries it is promised for: `known` ones alone, or unknown ones as well.

    Raises:
        ValueError: If a value is none of these.

    Example:
        >>> SearchSetting("fast")
        Traceback (most recent call last):
        ValueError: `way` must be one of auto, flat, cells. Received: 'fast'.
    """

    way: Way = "auto"
    recall: float | None = None
    recall_of: Asking = "both"

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise ValueError(f"`way` must be one of {', '.join(WAYS)}. Received: {self.way!r}.")
        if self.recall is not None and not (type(self.recall) is float and 0 < self.recall < 1):
            raise ValueError(f"`recall` must be above 0 and below 1. Received: {self.recall!r}.")
        if self.recall_of not in ASKING:
            expected = " or ".join(ASKING)
            raise ValueError(f"`recall_of` must be {expected}. Received: {self.recall_of!r}.")

    @classmethod
    def from_json(cls, stored: Any) -> SearchSetting:
        """The setting of a manifest's field; exact search where there is none.

        Raises:
            ValueError: If it is not as `to_json` gives it.
        """
        if stored is None:
            return cls()
        if not isinstance(stored, dict) or not stored.keys() <= {"way", "recall", "recall_of"}:
            raise ValueError(f"`search` must have way, recall and recall_of. Received: {stored!r}.")
        return cls(**stored)

    def to_json(self) -> dict[str, Any]:
        """The setting as JSON."""
        return {"way": self.way, "recall": self.recall, "recall_of": self.recall_of}


EXACT = SearchSetting()  # what a gallery is made with
