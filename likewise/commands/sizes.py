"""The size of a gallery in words."""

from __future__ import annotations

from embedder.text import counted


def size(references: int, groups: int, unlabelled: int) -> str:
    """Describe how many references there are, and of how many groups.

    Args:
        references: Number of references.
        groups: Number of their groups.
        unlabelled: Number of references without a group.

    Example:
        >>> size(9, 3, 0), size(9, 0, 9)
        ('9 references of 3 groups', '9 references without labels')
        >>> size(9, 1, 2)
        '9 references of 1 group, 2 of them without labels'
    """
    held = counted(references, "reference")
    if unlabelled and unlabelled == references:
        return f"{held} without labels"
    aside = f", {unlabelled} of them without labels" if unlabelled else ""
    return f"{held} of {counted(groups, 'group')}{aside}"
