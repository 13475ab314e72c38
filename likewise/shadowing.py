"""Refuse foreign modules that shadow ours, such as a user's own `embedder.py` or `index.py`.

Python imports the first module of a name that it finds, and a notebook's folder, or `PYTHONPATH=.`,
comes before installed packages. Our modules would then fail with a traceback, deep inside.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec

from likewise.errors import LikewiseError

_HALVES = ("embedder", "index")
_HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class ShadowedError(LikewiseError):
    """Another module shadows one of ours."""


@cache
def refuse_shadowing() -> None:
    """Make sure, once a process, that `embedder` and `index` are ours, without importing them.

    Takes 0.1 ms.

    Raises:
        ShadowedError: If Python finds another module of that name first.
    """
    for name in _HALVES:
        expected = os.path.join(_HOME, name, "__init__.py")
        origin = _origin(name)
        if origin != expected and not _same(origin, expected):
            raise ShadowedError(
                f"Expected the module `{name}` in {os.path.dirname(expected)}, but Python finds "
                f"{origin} first: rename that one, or start from another folder, without it in "
                "PYTHONPATH."
            )


def _origin(name: str) -> str:
    """Where Python finds a module: its file, or its folder if it has none."""
    try:
        spec = find_spec(name)
    except ValueError:  # imported already, by hand
        return f"a module without a file in sys.modules[{name!r}]"
    if spec is None:
        return "none"
    return spec.origin or ", ".join(spec.submodule_search_locations or ())


def _same(path: str, other: str) -> bool:
    return os.path.exists(path) and os.path.exists(other) and os.path.samefile(path, other)
