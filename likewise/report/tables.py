"""Figures as rows of text for the tables of the report's page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from likewise.evaluation.estimates import Estimate, Named
from likewise.evaluation.figures import Figures
from likewise.evaluation.identification import Confusion

Writer = Callable[[float], str]

_CONFUSION_LARGEST = 15  # groups; a larger table of confusion runs off the page


class Tile(NamedTuple):
    """A headline figure."""

    text: str
    estimate: Estimate


class Row(NamedTuple):
    """A figure in text: its name, its value, the 95 % interval, and the counts or draws behind."""

    name: str
    value: str
    interval: str
    detail: str | None = None


class Cell(NamedTuple):
    """Queries of the table of confusion; `kind` is `right`, `wrong`, or empty where it is 0."""

    queries: int
    kind: str


class ConfusionRow(NamedTuple):
    """How the queries of one group were answered."""

    name: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class ConfusionTable:
    """The table of confusion.

    Attributes:
        names: The groups, and `none` for no match.
        rows: One for each group that has queries.
        too_many: Whether there are too many groups for a table.
    """

    names: list[str]
    rows: list[ConfusionRow]

    @property
    def too_many(self) -> bool:
        """Whether there are too many groups for a table."""
        return len(self.names) > _CONFUSION_LARGEST


def percent(share: float) -> str:
    """Write a share in per cent, with digits enough for small ones.

    Example:
        >>> percent(0.99725), percent(0.00025), percent(1)
        ('99.72 %', '0.025 %', '100 %')
    """
    digits = 3 if 0 < share < 0.001 else 2
    number = f"{100 * share:.{digits}f}"
    return (number.rstrip("0").rstrip(".") or "0") + " %"


def tiles(figures: Figures) -> list[Tile]:
    """The headline figures: four, or fewer without unknown pictures or without pairs."""
    identification, pairs = figures.identification, figures.verification
    chosen = {
        "nearest reference is of the right group (rank-1)": identification.rank_rates[1],
        "known pictures missed at the threshold (FNIR)": identification.fnir,
        "unknown pictures matched at the threshold (FPIR)": identification.fpir,
        "equal error rate of pairs (EER)": None if pairs is None else pairs.eer,
    }
    return [Tile(text, estimate) for text, estimate in chosen.items() if estimate is not None]


def figure_rows(figures: Named) -> list[Row]:
    """A row for each figure; a rate that the data cannot support has a dash."""
    return [_row(name, figure) for name, figure in figures.items()]


def confusion_table(confusion: Confusion) -> ConfusionTable:
    """The answers, column by column, for each group, row by row."""
    names = ["none" if name is None else name for name in confusion.names]
    rows = [
        ConfusionRow(name, [_cell(count, at == row) for at, count in enumerate(counts)])
        for row, (name, counts) in enumerate(zip(names, confusion.counts, strict=True))
        if sum(counts)
    ]
    return ConfusionTable(names, rows)


def _cell(queries: int, is_own: bool) -> Cell:
    return Cell(queries, "right" if is_own else "wrong" if queries else "")


def _row(name: str, figure: Estimate | int | None) -> Row:
    if figure is None:
        return Row(name, "–", "too few pictures to support this rate")
    if isinstance(figure, int):
        return Row(name, _thousands(figure), "")
    write = _distance if name == "EER threshold" else _percent
    detail = ""
    if figure.events is not None and figure.trials is not None:
        detail = f"{_thousands(figure.events)} of {_thousands(figure.trials)}"
    elif figure.range is not None:
        detail = f"draws: {_between(figure.range, write)}"
    return Row(name, write(figure.value), _between(figure.interval, write), detail)


def _between(ends: Sequence[float | None], write: Writer) -> str:
    """Both ends; a question mark for one that too few pictures leave open."""
    low, high = ("?" if end is None else write(end) for end in ends)
    return f"{low} to {high}"


def _percent(share: float) -> str:
    return _kept(percent(share))


def _percents(ends: Sequence[float | None]) -> str:
    return _between(ends, _percent)


def _distance(value: float) -> str:
    return f"{value:.4f}"


def _distances(ends: Sequence[float | None]) -> str:
    return _between(ends, _distance)


def _thousands(count: int) -> str:
    return f"{count:,}"


def _kept(text: str) -> str:
    """Join a number and its per cent sign, so that no line begins with the sign."""
    return text.replace(" %", "\u00a0%")


FILTERS = {  # of the templates
    "percent": percent,
    "percents": _percents,
    "distance": _distance,
    "distances": _distances,
    "thousands": _thousands,
    "kept": _kept,
}
