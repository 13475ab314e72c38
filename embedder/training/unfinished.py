"""The directory of an unfinished training: never overwritten, resumed with its own settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from embedder.errors import ModelError


def require_absent(path: Path) -> None:
    """Refuse to start a training that would destroy an unfinished one.

    Raises:
        ModelError: If an earlier run left something.
    """
    if os.path.lexists(path):
        raise ModelError(
            f"There is an unfinished training in {str(path)!r}: "
            "continue it with --resume, or remove it."
        )


def require_own(path: Path, is_own: bool) -> None:
    """Refuse to resume something that is not a training.

    Args:
        path: The directory.
        is_own: Whether it holds what a training of the recipe writes, and nothing else.

    Raises:
        ModelError: If there is something else.
    """
    if os.path.lexists(path) and not is_own:
        raise ModelError(
            f"Expected an unfinished training of this recipe in {str(path)!r}, but something else "
            "is there: name the recipe that it was started with (--recipe), or choose another path "
            "with --out."
        )


def require_same(path: Path, stored: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Refuse to resume a training with other settings than it was started with.

    Args:
        path: The directory.
        stored: The settings that it was started with.
        settings: The present settings, as JSON.

    Raises:
        ModelError: Naming the first that differs.
    """
    for name, value in settings.items():
        if stored.get(name) != value and name == "data":
            raise ModelError(
                f"The unfinished training in {str(path)!r} was started with other pictures. Resume "
                "it with the same, or remove it to start again."
            )
        if stored.get(name) != value:
            raise ModelError(
                f"The unfinished training in {str(path)!r} was started with {name} = "
                f"{stored.get(name)!r}, not {value!r}. Resume it with the same "
                "settings and data, or remove it to start again."
            )
