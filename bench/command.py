"""The command of a benchmark: what is wrong with its arguments ends in one line."""

from __future__ import annotations

from typing import Any

import click

from likewise.errors import LikewiseError


class Benchmark(click.Command):
    """A command that shows an error for its user without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it."""
        try:
            return super().invoke(ctx)
        except LikewiseError as error:
            raise click.ClickException(str(error)) from error
