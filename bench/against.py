"""`python -m bench.against OTHER`: this checkout beside another one, in processor time.

Each checkout has a process that measures its figures, in turns, so that a slow period of the
machine affects both. It prints the median of this ÷ other over the turns, with a 95 % bootstrap
interval; a figure is slower if the interval lies above the bar.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import click
import numpy as np
from PIL import Image

from bench.child import ENVIRONMENT
from bench.command import Benchmark
from bench.measure import ROOT
from embedder.data.sources import load

FIGURES = ("arrays", "files", "build", "cold", "single", "evaluate")
BAR = 1.05
# Runs in either checkout, so it speaks to both through the commands, but for the one warm array.
WORKER = """
import io, os, resource, shutil, subprocess, sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from cli import main
from embedder import load
if Path("service").is_dir():  # version 0.1.0; `likewise` may be installed from elsewhere
    from service.matcher import Matcher
else:
    from likewise.matcher import Matcher

folder, shared = Path(sys.argv[1]), Path(sys.argv[2])
out = os.fdopen(os.dup(1), "w", buffering=1)
digits, pngs, gallery = "mnist/test", str(shared / "pngs"), str(folder / "digits.gallery")

def command(*words):
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        main([str(word) for word in words], standalone_mode=False)

def build():
    shutil.rmtree(folder / "new.gallery", ignore_errors=True)
    command("build", folder / "new.gallery", "mnist/train")

def evaluate():
    command("evaluate", small, digits, "--out", folder / "report", "--seeds", "1")

def cold():
    words = [sys.executable, "-c", "from cli import main; main()", "query", gallery, one]
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)

def single():
    for picture in pictures[:300]:
        matcher.check([picture])

command("build", gallery, "mnist/train")
small = folder / "small.gallery"
command("build", small, *(f"mnist/train/{place:05}" for place in range(0, 60_000, 30)))
pictures, matcher, one = load(digits).images, Matcher.open(gallery), shared / "pngs" / "00000.png"
work = {
    "arrays": lambda: command("check", gallery, digits, "-o", folder / "rows.jsonl"),
    "files": lambda: command("check", gallery, pngs, "-o", folder / "rows.jsonl"),
    "build": build, "cold": cold, "single": single, "evaluate": evaluate,
}

def spent():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)

print("ready", file=out)
for line in sys.stdin:
    before = spent()
    work[line.strip()]()
    print(spent() - before, file=out)
"""


class Worker:
    """A process that measures figures in one checkout."""

    def __init__(self, checkout: Path, folder: Path, shared: Path) -> None:
        folder.mkdir()
        self._process = subprocess.Popen(
            [sys.executable, "-c", WORKER, folder, shared],
            cwd=checkout,
            env=ENVIRONMENT | {"PYTHONPATH": str(checkout)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._read() == "ready"

    def measure(self, name: str) -> float:
        """Seconds of processor time."""
        stream: IO[str] | None = self._process.stdin
        assert stream is not None
        stream.write(f"{name}\n")
        stream.flush()
        return float(self._read())

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("A worker ended: see its error above.")
        return line.strip()

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def interval(ratios: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """95 % interval of the median, by bootstrap."""
    draws = np.random.default_rng(seed).choice(ratios, (10_000, len(ratios)))
    low, high = np.quantile(np.median(draws, axis=1), [0.025, 0.975])
    return float(low), float(high)


def write_pictures(folder: Path) -> None:
    """Write 2,000 test digits as PNG files."""
    folder.mkdir()
    for place, image in enumerate(load("mnist/test").images[:2_000]):
        Image.fromarray(image).save(folder / f"{place:05}.png")


def alternated(figure: str, this: Worker, other: Worker, turns: int) -> list[tuple[float, float]]:
    """Seconds of both, in turns, after one unmeasured turn of each."""
    this.measure(figure)
    other.measure(figure)
    pairs = []
    for turn in range(turns):
        if turn % 2:  # neither always comes first
            ours, theirs = this.measure(figure), other.measure(figure)
        else:
            theirs, ours = other.measure(figure), this.measure(figure)
        pairs.append((ours, theirs))
    return pairs


def compared(figure: str, pairs: Sequence[tuple[float, float]]) -> dict[str, object]:
    """Summarise the turns of one figure."""
    ratios = [ours / theirs for ours, theirs in pairs]
    low, high = interval(ratios)
    return {
        "figure": figure,
        "this_s": round(statistics.median(ours for ours, _ in pairs), 4),
        "other_s": round(statistics.median(theirs for _, theirs in pairs), 4),
        "ratio": round(statistics.median(ratios), 4),
        "interval": [round(low, 4), round(high, 4)],
        "slower": low > BAR,
    }


@click.command(cls=Benchmark)
@click.argument("other", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("names", nargs=-1, type=click.Choice(FIGURES))
@click.option("--turns", default=11, show_default=True, help="Alternations.")
def main(other: Path, names: tuple[str, ...], turns: int) -> None:
    """Measure this checkout against OTHER, one line of JSON for each figure."""
    with tempfile.TemporaryDirectory(prefix="likewise-against-") as name:
        folder = Path(name)
        write_pictures(folder / "pngs")
        ours = Worker(ROOT, folder / "this", folder)
        theirs = Worker(other.resolve(), folder / "other", folder)
        for figure in names or FIGURES:
            print(json.dumps(compared(figure, alternated(figure, ours, theirs, turns))), flush=True)
        ours.close()
        theirs.close()


if __name__ == "__main__":
    main()
