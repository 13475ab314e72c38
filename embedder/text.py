"""Numbers of things in sentences."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """Say how many there are; all plurals that are needed end in s.

    Example:
        >>> counted(1, "group"), counted(2, "group")
        ('1 group', '2 groups')
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"
