"""The picture of `bench.curve`: recall across, processor time of a query upwards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.curve import Point

LEAST_MISSED = 1e-4  # what finds all is drawn here
TICKS = (0.5, 0.1, 0.01, 0.001)
MARKS = "osD^vPX*"


def draw(points: Sequence[Point], count: int, path: Path) -> None:
    """Draw all points, known and unknown queries beside each other, batches above single ones.

    Args:
        points: What was measured.
        count: How many references there were.
        path: PNG file to write.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 2, figsize=(10, 8), sharex=True, sharey="row")
    libraries = list(dict.fromkeys(point.library for point in points))
    for column, kind in enumerate(("known", "unknown")):
        for row, way in enumerate(("batch", "single")):
            plot = axes[row, column]
            for number, library in enumerate(libraries):
                chosen = [p for p in points if (p.library, p.kind) == (library, kind)]
                _curve(plot, chosen, way, MARKS[number], ours=library.startswith("likewise"))
            what = "a batch of 4,096" if way == "batch" else "one by one"
            plot.set_title(f"{kind} queries, {what}", fontsize=10)
    _scales(axes)
    axes[0, 0].legend(fontsize=8)
    figure.suptitle(f"{count:,} references, five nearest")
    figure.tight_layout()
    figure.savefig(path, dpi=90)


def _curve(plot: Any, points: Sequence[Point], way: str, mark: str, *, ours: bool) -> None:
    """One library's settings, joined by a line."""
    missed = [max(1 - point.recall[-1], LEAST_MISSED) for point in points]
    times = [getattr(point, way) for point in points]
    size, width = (9, 2.0) if ours else (4, 1.0)
    plot.plot(missed, times, marker=mark, markersize=size, linewidth=width, label=points[0].library)


def _scales(axes: Any) -> None:
    """Logarithmic scales; what finds more lies to the right."""
    for plot in axes.flat:
        plot.set_xscale("log")
        plot.set_yscale("log")
        plot.grid(visible=True, alpha=0.3)
        plot.set_xticks([*TICKS, LEAST_MISSED], [*(f"{1 - tick:g}" for tick in TICKS), "all"])
        plot.minorticks_off()
    axes[0, 0].invert_xaxis()  # shared
    for plot in axes[1]:
        plot.set_xlabel("share of the five nearest that is found")
    for plot in axes[:, 0]:
        plot.set_ylabel("processor time of a query, µs")
