"""What dividing a check into shards costs: `python -m bench.shards`.

The same pictures are checked by one command, and by a command for each shard and a merge, in
turns. Processor time of all commands, from their start to their end; one line of JSON.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path

import click

import likewise
from bench.child import likewise as command
from bench.child import used
from bench.command import Benchmark


@click.command(cls=Benchmark)
@click.option("--shards", default=4, show_default=True)
@click.option("--times", default=1, show_default=True, help="How often the 60,000 are checked.")
@click.option("--rounds", default=3, show_default=True)
def main(shards: int, times: int, rounds: int) -> None:
    """Check 60,000 digits, or as many several times, against 60,000."""
    with tempfile.TemporaryDirectory() as folder:
        gallery, whole, parts = (Path(folder, name) for name in ("g", "whole.csv", "parts.csv"))
        likewise.build(gallery, "mnist/train").close()
        once, divided = [], []
        for _ in range(rounds):
            check: list[str | Path] = ["check", gallery, *["mnist/train"] * times, "-o"]
            once.append(_seconds(command(*check, whole)))
            each = [
                _seconds(command(*check, parts, "--shard", f"{shard}/{shards}"))
                for shard in range(1, shards + 1)
            ]
            divided.append(sum(each) + _seconds(command("merge", parts)))
            assert parts.read_bytes() == whole.read_bytes(), "the same bytes"
            for made in (whole, parts, *Path(folder).glob("parts.csv.part-*")):
                made.unlink()
        ratios = [many / one for many, one in zip(divided, once, strict=True)]
        figures = {
            "one run, s": round(statistics.median(once), 1),
            f"{shards} shards and a merge, s": round(statistics.median(divided), 1),
            "ratio": round(statistics.median(ratios), 3),
            "ratios": [round(ratio, 3) for ratio in ratios],
        }
        click.echo(json.dumps(figures))


def _seconds(words: list[str]) -> float:
    return used(words).seconds


if __name__ == "__main__":
    main()
