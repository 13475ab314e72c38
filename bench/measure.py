"""Measure a figure and its floor in turns; report the median of their ratios.

Because they alternate, a slow period of the machine affects both; the median ignores the few that
affect only one.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from likewise import parallel

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Figure:
    """One measured value beside its floor.

    Attributes:
        figure: What was measured.
        unit: Unit of `value` and `floor`.
        value: Ours, the median of all rounds.
        floor: The bare libraries', the median of all rounds.
        ratio: Median over the rounds of value ÷ floor.
        bar: Limit of `judged`, such as '<= 1.2' or '>= 0.9'; None if only reported.
        judged: The ratio, or what else the bar is on.
        note: Description of the floor, and further remarks.
    """

    figure: str
    unit: str
    value: float
    floor: float | None
    ratio: float | None
    bar: str | None
    judged: float | None
    note: str

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None without a bar."""
        return None if self.bar is None or self.judged is None else holds(self.judged, self.bar)


def compare(
    ours: Callable[[], Any], floor: Callable[[], Any], rounds: int
) -> tuple[list[float], list[float]]:
    """Seconds of both, in turns, after one unmeasured turn of each."""
    ours()
    floor()
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds):
        order = (0, 1) if turn % 2 else (1, 0)  # neither always comes first
        for subject in order:
            times[subject].append(seconds((ours, floor)[subject]))
    return times


def seconds(work: Callable[[], Any]) -> float:
    """Run once, by the clock."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratio_of(values: list[float], floors: list[float]) -> float:
    """The median of the rounds' own ratios."""
    return statistics.median(value / floor for value, floor in zip(values, floors, strict=True))


def figure(
    name: str,
    unit: str,
    values: list[float],
    floors: list[float],
    bar: str | None,
    note: str,
) -> Figure:
    """Put the rounds of a value and its floor together."""
    ratio = round(ratio_of(values, floors), 4)
    value, floor = statistics.median(values), statistics.median(floors)
    return Figure(name, unit, round(value, 6), round(floor, 6), ratio, bar, ratio, note)


def holds(value: float, bar: str) -> bool:
    """Whether a value keeps a bar such as '<= 1.2'."""
    sign, _, limit = bar.partition(" ")
    return value <= float(limit) if sign == "<=" else value >= float(limit)


def line(figure: Figure) -> str:
    """A figure as one line of JSON, with the machine that it was measured on."""
    load = round(os.getloadavg()[0], 2)  # other work on the machine spoils even ratios
    told = asdict(figure) | {"met": figure.met, "load": load, "machine": machine()}
    return json.dumps(told, ensure_ascii=False)


@cache
def machine() -> dict[str, Any]:
    """Facts about the machine that a time depends on."""
    packages = ("numpy", "faiss-cpu", "ai-edge-litert", "pillow")
    return {
        "processor": _processor(),
        "cores": parallel.count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "commit": _commit(),
    }


def _processor() -> str:
    for row in Path("/proc/cpuinfo").read_text().splitlines():
        if row.startswith("model name"):
            return row.partition(": ")[2]
    return platform.processor()


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()
