"""Exceptions to one line on stderr and an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from likewise.errors import LikewiseError

INTERRUPTED = 130  # what a shell reports of a command that Ctrl-C ended
TRACEBACK = "LIKEWISE_TRACEBACK"


@contextmanager
def one_line_each(ctx: click.Context) -> Iterator[None]:
    """Turn every error into one line on stderr and exit status 1."""
    if sys.stderr is None:  # closed; a file that is opened must not get its number
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        yield
    except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
        raise  # click ends these as it should: usage 2, a closed pipe quietly
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        ctx.exit(INTERRUPTED)
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        raise click.ClickException(sentence(error)) from error


def sentence(error: Exception) -> str:
    """Describe an error in one line."""
    from likewise.output.printable import printable

    return printable(_plain(error))


def _plain(error: Exception) -> str:
    if isinstance(error, (ValueError, LikewiseError)):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return (
        f"Unexpected {type(error).__name__}: {' '.join(str(error).split())}. This is a defect of "
        f"likewise; {TRACEBACK}=1 shows where."
    )
