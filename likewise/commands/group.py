"""The command `likewise` at a glance: its commands by name and first line, imported when they run.

stdout carries data, stderr everything else. Whatever a command needs is imported when it runs, so
that `likewise --help` and a single query start at once.
"""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

import atexit
import gc
import os
import sys
from importlib import import_module
from typing import Any

import click

from likewise.shadowing import refuse_shadowing

# Each command is the function of this name in the module of this name, beside this one.
COMMANDS = {
    "train": "Train a model on labelled pictures, DATA, by default mnist/train.",
    "build": "Make a GALLERY of labelled pictures: a folder per label, a list, or a data set.",
    "add": "Add references to a GALLERY; a reference with the same id is replaced.",
    "remove": "Remove the references with these IDS from a GALLERY; - reads ids from stdin.",
    "backup": "Copy a GALLERY to TARGET as it is at this moment, even while it is written to.",
    "query": "Find the nearest references of each picture.",
    "check": "Decide for each picture which group it belongs to, if any.",
    "calibrate": "Measure the threshold for a wanted error rate, from then on the default.",
    "evaluate": "Measure how reliable the answers of GALLERY are, on labelled pictures new to it.",
    "compare": "Print the distance between two pictures, and whether it is a match.",
    "embed": "Write the embeddings of pictures, one row each, in order.",
    "info": "Show what a GALLERY holds: references, groups, model, thresholds, sizes on disk.",
    "doctor": "Examine a GALLERY: is it whole, and do its references make sense?",
    "serve": "Serve GALLERY over HTTP: an API for programs and a page for people.",
    "demo": "Show everything on real digits, in GALLERY, by default digits.gallery.",
}

# Python would search all that it holds for cycles before it ends: 30 ms of a query, to free memory
# that the system takes back anyway.
atexit.register(gc.freeze)

# OpenBLAS's threads would wait for work at full speed, 2**26 cycles after each, on cores that ours
# could use: a tenth of a query goes by before they first rest.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")


class LazyGroup(click.Group):
    """A group whose commands are imported when they run, and whose errors are one line each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names of the commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command; None if there is none of this name."""
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"likewise.commands.{name}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write name and first line of each command, without importing it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        if sys.stderr is None:  # closed; a file that is opened must not get its number
            sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        try:
            return super().invoke(ctx)
        except BaseException as error:
            from likewise.commands.errors import in_one_line

            ending = in_one_line(error)
            if ending is error:
                raise
            raise ending from error


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="likewise")
def main() -> None:
    """Find out which of the groups that you know a picture belongs to, if any.

    An INPUT is a picture, a folder, a zip, a pattern in quotes such as 'scans/**/*.png', a list
    (CSV, JSONL or Parquet with a column path), a data set (IDX, .npz, CSV of pixels; mnist/train
    and mnist/test are built in), or - for paths on stdin.

    \b
    likewise build digits.gallery mnist/train
    likewise query digits.gallery mnist/test/00042
    likewise check digits.gallery scans/ -o rows.csv

    Tab completion: eval "$(_LIKEWISE_COMPLETE=bash_source likewise)" in ~/.bashrc; zsh_source and
    fish_source for the other shells.
    """
    refuse_shadowing()
