"""What an examination of a gallery finds: damage, and references that deserve a look."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Mislabel:
    """A reference whose nearest neighbour, and most of the nearest five, have another label.

    Attributes:
        id: Id of the reference.
        label: Its label.
        suggested: The label of most of its neighbours.
        votes: Number of the five nearest with the suggested label.
        distance: Distance to the nearest of those.
    """

    id: str
    label: str
    suggested: str
    votes: int
    distance: float


@dataclass(slots=True)
class Examination:
    """Findings of an examination.

    Attributes:
        references: Number of references examined.
        groups: Number of their groups.
        unlabelled: Number of references without a group.
        threshold: Largest matching distance, used to find outliers and overlaps.
        broken: Damage, one sentence each; empty for an intact gallery.
        search_recall: Share of true nearest neighbours that the search finds, in a sample.
        duplicates: Ids of references that share a vector, one list per vector.
        mislabels: Probable mislabels, the surest first.
        nearest_right: Share of the references of groups of two or more whose nearest other
            reference is of their group; None without such groups.
        outliers: Ids and distances of references with no other within the threshold, farthest
            first.
        overlaps: Pairs of groups, with the share of the first one's references that have one of
            the second among their five nearest within the threshold; largest share first.
        small_groups: Groups of fewer than three references, with their sizes.
    """

    references: int = 0
    groups: int = 0
    unlabelled: int = 0
    threshold: float | None = None
    broken: list[str] = field(default_factory=list)
    search_recall: float | None = None
    duplicates: list[list[str]] = field(default_factory=list)
    mislabels: list[Mislabel] = field(default_factory=list)
    nearest_right: float | None = None
    outliers: list[tuple[str, float]] = field(default_factory=list)
    overlaps: list[tuple[str, str, float]] = field(default_factory=list)
    small_groups: dict[str, int] = field(default_factory=dict)

    def described(self) -> dict[str, Any]:
        """The findings as JSON values."""
        return asdict(self)
