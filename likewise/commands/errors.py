"""Convert exceptions to one line on stderr and an exit status."""

from __future__ import annotations

import os
import re

import click

from likewise.errors import LikewiseError

INTERRUPTED = 130  # what a shell reports of a command that Ctrl-C ended
TRACEBACK = "LIKEWISE_TRACEBACK"
_PASSWORD = re.compile(r"(\w:/+[^\s:/@]*):[^\s@]+@")


def in_one_line(error: BaseException) -> BaseException:
    """Convert an exception to click's: one line on stderr, exit status 1.

    Returns:
        The exception to raise instead.
    """
    if isinstance(error, click.ClickException) and _PASSWORD.search(error.message):
        return click.ClickException(without_password(error.message))
    if isinstance(error, (click.ClickException, click.Abort, click.exceptions.Exit)):
        return error  # click knows these: wrong usage is status 2
    if isinstance(error, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return click.exceptions.Exit(INTERRUPTED)
    if isinstance(error, BrokenPipeError) or not isinstance(error, Exception):
        return error  # a closed pipe ends quietly
    return error if os.environ.get(TRACEBACK) else click.ClickException(sentence(error))


def sentence(error: Exception) -> str:
    """Describe an error in one line."""
    from likewise.output.printable import printable

    return printable(without_password(_plain(error)))


def without_password(text: str) -> str:
    """Leave out passwords of addresses that stand where no address is expected.

    Example:
        >>> without_password("There is no file 'postgresql://ann:secret@host/db'.")
        "There is no file 'postgresql://ann@host/db'."
    """
    return _PASSWORD.sub(r"\1@", text)


def _plain(error: Exception) -> str:
    if isinstance(error, (ValueError, LikewiseError)):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return (
        f"Unexpected {type(error).__name__}: {' '.join(str(error).split())}. This is a defect of "
        f"likewise; {TRACEBACK}=1 shows where."
    )
