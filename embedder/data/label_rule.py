"""Where the label stands in the path of a picture: at a level, by a pattern, or found out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from embedder.errors import DatasetError


@dataclass(frozen=True, slots=True)
class LabelRule:
    r"""How labels are read from paths.

    Attributes:
        level: The folder that is the label, counted from 1 below the source.
        pattern: In its place a regular expression, looked for in the path relative to the source;
            its group `label` is the label.
        wanted: Whether labels are read at all. Without them no folder is too unclear to be read.

    Raises:
        DatasetError: If both are set, the level is less than 1, or the pattern is no regular
            expression with a group `label`.

    Example:
        >>> LabelRule(level=2).label_in("small/Greek/alpha/1.png")
        'Greek'
        >>> LabelRule(pattern=r"(?P<label>cat|dog)\.\d+").label_in("train/cat.17.jpg")
        'cat'
    """

    level: int | None = None
    pattern: str | None = None
    wanted: bool = True

    def __post_init__(self) -> None:
        if self.level is not None and self.pattern is not None:
            raise DatasetError("Labels come from a folder level or from a pattern: give one.")
        if self.level is not None and self.level < 1:
            raise DatasetError(f"The level of a folder counts from 1. Received: {self.level}.")
        if self.pattern is not None:
            try:
                named = "label" in re.compile(self.pattern).groupindex
            except re.error as error:
                raise DatasetError(
                    f"{self.pattern!r} is no regular expression ({error}): repair it."
                ) from error
            if not named:
                raise DatasetError(
                    f"{self.pattern!r} has no group `label`: write it as (?P<label>...) around "
                    "what is the label."
                )

    @property
    def is_explicit(self) -> bool:
        """Whether the caller says where labels stand."""
        return self.level is not None or self.pattern is not None

    def label_in(self, path: str) -> str | None:
        """Read the label in a path; None where it has no folder so deep, or does not match.

        Args:
            path: Relative to the source, with forward slashes.
        """
        if self.pattern is not None:
            match = re.search(self.pattern, path)
            return match["label"] if match else None
        return None if self.level is None else folder_at(self.level, path)


AUTOMATIC = LabelRule()
NO_LABELS = LabelRule(wanted=False)


def folder_at(level: int, path: str) -> str | None:
    """Name the folder at a level of a path; None where the picture does not lie so deep.

    Args:
        level: From 1.
        path: With forward slashes.
    """
    folders = path.split("/")[:-1]
    return folders[level - 1] if 0 < level <= len(folders) else None
