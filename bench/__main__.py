"""`python -m bench [--model DIR] [NAME ...]`: measure, one line of JSON for each figure.

Figures that miss their bar are named on stderr; the exit status stays 0, because a benchmark
reports and does not fail.
"""

from __future__ import annotations

import sys
import tempfile
from importlib import import_module
from pathlib import Path

import click

from bench.command import Benchmark
from bench.material import Material
from bench.measure import line

NAMES = [
    "embed",
    "build",
    "check",
    "files",
    "elsewhere",
    "single",
    "cold",
    "memory",
    "evaluate",
    "many",
    "naive",
    "serve",
    "page",
]


@click.command(cls=Benchmark)
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
@click.option("--model", type=click.Path(path_type=Path), help="[default: the shipped one]")
def main(names: tuple[str, ...], model: Path | None) -> None:
    """Measure the named figures, or all."""
    missed = []
    with tempfile.TemporaryDirectory(prefix="likewise-bench-") as folder:
        material = Material(Path(folder), model)
        for name in names or NAMES:
            for figure in import_module(f"bench.{name}").figures(material):
                print(line(figure), flush=True)
                if figure.met is False:
                    missed.append(f"{figure.figure}: {figure.judged} is not {figure.bar}")
    print("\n".join(missed) or "Every bar is met.", file=sys.stderr)


main()
