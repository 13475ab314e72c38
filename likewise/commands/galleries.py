"""The argument GALLERY of the commands: a directory, or an address in PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class GalleryName(click.Path):
    """The path of a gallery's directory, or its address in PostgreSQL."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read what was typed.

        Args:
            value: The text.
            param: The argument, for the error.
            ctx: The command, for the error.
        """
        from index.address import is_address, place_of

        if value == "":  # pathlib would take it for the current folder
            raise click.UsageError(
                "The name of a gallery is an empty text, perhaps from an unset variable: name its "
                "directory or address."
            )
        place = place_of(value)
        return place if is_address(place) else super().convert(value, param, ctx)


class DirectoryName(GalleryName):
    """The path of a directory, where an address in PostgreSQL would not do."""

    def __init__(self, instead: str) -> None:
        super().__init__()
        self._instead = instead

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read what was typed, and refuse an address.

        Args:
            value: The text.
            param: The argument, for the error.
            ctx: The command, for the error.
        """
        place = super().convert(value, param, ctx)
        if not isinstance(place, Path):
            raise click.ClickException(f"Expected a directory. Received: {place}. {self._instead}")
        return place


def _cache_there(context: click.Context, option: click.Parameter, folder: Path | None) -> None:
    if folder is not None:
        os.environ["LIKEWISE_CACHE"] = str(folder)


_cache_option = click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_cache_there,
    expose_value=False,
    is_eager=True,
    help="Where local copies of a gallery in PostgreSQL lie; safe to delete.  [default: "
    "LIKEWISE_CACHE, or the user's cache]",
)


def gallery_argument(command: F) -> F:
    """Add the argument GALLERY, a directory or an address, and the option --cache."""
    return click.argument("gallery", type=GalleryName())(_cache_option(command))
