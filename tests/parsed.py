"""What a command reads in words that a document or a unit gives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from click import Context

from cli import main


def parsed(words: Sequence[str]) -> dict[str, Any]:
    """The parameters of a command, as its own parser reads them.

    Args:
        words: The command's name and its arguments.
    """
    name, *rest = words
    command = main.get_command(Context(main), name)
    assert command is not None
    # A command keeps the names of its help from the first context: without -h later tests lack it.
    return command.make_context(name, rest, **main.context_settings).params
