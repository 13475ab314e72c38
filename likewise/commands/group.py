"""The command `likewise`: its subcommands by name and first line, imported when they run.

stdout is for data, stderr for everything else. A command imports what it needs when it runs, so
`likewise --help` and a single query start fast.
"""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from keyword import iskeyword
from typing import Any

import click

from likewise import __version__
from likewise.shadowing import refuse_shadowing

# Each command is the function of this name in the module of this name, beside this one; a name
# that Python keeps for itself has an underscore after it there.
COMMANDS = {
    "demo": "Demonstrate likewise on 70,000 handwritten digits.",
    "build": "Build a GALLERY from pictures, mostly labelled ones.",
    "add": "Add pictures to a GALLERY.",
    "remove": "Remove references from a GALLERY by id.",
    "query": "Find the nearest references of each picture.",
    "check": "Decide which group each picture belongs to, if any.",
    "compare": "Compare two pictures: print their distance and whether they match.",
    "embed": "Write the embedding of each picture to a file.",
    "merge": "Put the parts of a sharded output together.",
    "calibrate": "Set a GALLERY's threshold for the error rate that you want.",
    "evaluate": "Measure how reliable a GALLERY's answers are.",
    "tune": "Set how a GALLERY is searched: exactly, or for millions approximately.",
    "info": "Show a GALLERY's groups, model, thresholds and size on disk.",
    "doctor": "Check a GALLERY for damage, wrong labels, duplicates and outliers.",
    "upgrade": "Embed the references of a GALLERY again, with another model.",
    "copy": "Copy a GALLERY to TARGET: a directory, or a name in PostgreSQL.",
    "backup": "Copy a GALLERY safely, even while another process writes to it.",
    "serve": "Serve a GALLERY over HTTP: an API for programs, a web page for people.",
    "import": "Import a model that you have: Keras, SavedModel or LiteRT.",
    "train": "Train a model on labelled pictures.",
}

# Python would search all that it holds for cycles before it ends: 30 ms of a query, to free memory
# that the system takes back anyway.
atexit.register(gc.freeze)

# Modules are made of objects that stay: to search them for cycles after every 700 new ones, as
# Python does by default, is a tenth of a query.
gc.set_threshold(50_000, 20, 100)

# OpenBLAS's threads would wait for work at full speed, 2**26 cycles after each, on cores that ours
# could use: a tenth of a query goes by before they first rest.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")


class LazyGroup(click.Group):
    """A group whose commands are imported when they run, and whose errors are one line each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names of the commands, in the order in which data passes them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command; None if there is none of this name."""
        if name not in COMMANDS:
            return None
        function = f"{name}_" if iskeyword(name) else name
        command: click.Command = getattr(import_module(f"likewise.commands.{function}"), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write name and first line of each command, without importing it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])

    def make_context(self, *arguments: Any, **settings: Any) -> click.Context:
        """Parse the options that stand before a command, of which --help and --version write."""
        with errors_in_one_line():
            return super().make_context(*arguments, **settings)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        if sys.stderr is None:  # closed: no opened file may get its descriptor
            sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        with ending_as_by_interrupt(), errors_in_one_line():
            return super().invoke(ctx)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Raise what click shows as one line in place of any other exception."""
    try:
        yield
    except BaseException as error:
        from likewise.commands.errors import in_one_line

        ending = in_one_line(error)
        if ending is error:
            raise
        raise ending from error


@contextmanager
def ending_as_by_interrupt() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does: Slurm and Kubernetes send it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__)
def main() -> None:
    """Find which of your groups a picture belongs to, if any.

    Use it when you have labelled example pictures and want to sort new ones into the same groups,
    with a clear "none of them" for pictures that fit nowhere.

    \b
    likewise build digits.gallery mnist/train
    likewise check digits.gallery scans/ -o rows.csv

    INPUT and DATA are one or more of: a picture, a folder (its subfolders are the labels), a zip or
    tar, a quoted pattern such as 'scans/**/*.png', a list (CSV, JSONL or Parquet with a column
    "path" and perhaps "label"), a data set (IDX, .npz, .npy, CSV of pixels, Parquet with pictures),
    or - for paths on stdin. The MNIST digits are bundled as mnist/train and mnist/test.

    A list may name a part of each picture, such as a face that a detector found: columns x, y, w
    and h, in pixels from the top left of the picture as it is shown. The part is cut out first;
    without a column "id" it is called path#x,y,w,h.

    Tab completion: put eval "$(_LIKEWISE_COMPLETE=bash_source likewise)" into ~/.bashrc; other
    shells have zsh_source and fish_source.
    """
    refuse_shadowing()
