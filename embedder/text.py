"""Counts with nouns, for sentences."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """Combine a count with its noun; the plural adds an s.

    Args:
        number: How many there are.
        thing: Its name in the singular.

    Example:
        >>> counted(1, "group"), counted(2, "group")
        ('1 group', '2 groups')
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"
