"""What became of the pictures that were to be added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from embedder.errors import UnlabelledError
from likewise.conflicts import ADDED, RENAMED, REPLACED, SKIPPED, UNCHANGED, Status
from likewise.remarks import Remarks


@dataclass(slots=True)
class AddReport:
    """Outcome of adding records.

    Attributes:
        added: New ids.
        replaced: Ids that were there with another label or picture.
        unchanged: Ids that were there with this label and picture; nothing was written.
        skipped: Ids that were there with another label or picture, and stayed as they were.
        renamed: New ids, with the source's name before them, as another picture has their own.
        unreadable: Id and reason of each picture that could not be read.
        unlabelled: Id of each picture that was passed over because it has no label.
        remarks: On pictures that are nearly one grey value.
    """

    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    skipped: int = 0
    renamed: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)
    remarks: Remarks = field(default_factory=Remarks)

    @property
    def total(self) -> int:
        """Number of all records."""
        readable = self.added + self.replaced + self.unchanged + self.skipped + self.renamed
        return readable + len(self.unreadable) + len(self.unlabelled)

    def count(self, statuses: Sequence[Status]) -> None:
        """Count the outcome of further records."""
        self.added += statuses.count(ADDED)
        self.replaced += statuses.count(REPLACED)
        self.unchanged += statuses.count(UNCHANGED)
        self.skipped += statuses.count(SKIPPED)
        self.renamed += statuses.count(RENAMED)

    def require_labels(self) -> None:
        """Refuse records of which none has a label.

        Raises:
            UnlabelledError: If all were passed over.
        """
        if self.unlabelled and self.total == len(self.unlabelled):
            raise UnlabelledError(
                f"{self.unlabelled[0]} has no label, and a reference needs one: give a folder per "
                "label, a list of path,label, or another level or pattern of labels."
            )
