"""Check that an argument is an open gallery."""

from __future__ import annotations

import os

from likewise.errors import LikewiseError


class MatcherError(LikewiseError, TypeError):
    """Something else came where an open gallery is expected."""


def require_matcher(value: object) -> None:
    """Refuse the path of a gallery where an open one is expected.

    Raises:
        MatcherError: If it is a path.

    Example:
        >>> require_matcher("digits.gallery")
        Traceback (most recent call last):
        likewise.arguments.MatcherError: Expected an open gallery. Received a path: pass
        likewise.open('digits.gallery').
    """
    if isinstance(value, str | os.PathLike):
        path = os.fspath(value)
        raise MatcherError(
            f"Expected an open gallery. Received a path: pass likewise.open({path!r})."
        )
