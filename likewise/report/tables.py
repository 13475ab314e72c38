"""Figures as tables of the report's page; whatever comes from data is escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

from likewise.evaluation.figures import Figure

Writer = Callable[[float], str]

_CONFUSION_LARGEST = 30  # groups beyond which the table of confusion would be no picture


def percent(share: float) -> str:
    """Write a share in per cent, with digits enough for small ones.

    Example:
        >>> percent(0.99725), percent(0.00025), percent(1)
        ('99.72 %', '0.025 %', '100 %')
    """
    digits = 3 if 0 < share < 0.001 else 2
    number = f"{100 * share:.{digits}f}"
    return (number.rstrip("0").rstrip(".") or "0") + " %"


def tiles(figures: Figure) -> str:
    """The four figures that matter most."""
    identification, verification = figures["identification"], figures["verification"]
    chosen = {
        "nearest reference is of the right group (rank-1)": identification["rank-1"],
        "known pictures missed at the threshold (FNIR)": identification["FNIR at the threshold"],
        "unknown pictures matched at the threshold (FPIR)": identification["FPIR at the threshold"],
        "equal error rate of pairs (EER)": verification["EER"],
    }
    return "".join(
        f'<div class="tile"><b>{_percent(figure["value"])}</b><span>{name}</span>'
        f"<small>95 %: {_interval(figure)}</small></div>"
        for name, figure in chosen.items()
        if figure is not None
    )


def figures_table(caption: str, figures: Figure) -> str:
    """A row for each figure that has a value, is a count, or could not be supported."""
    rows = [
        _row(name, figure)
        for name, figure in figures.items()
        if figure is None or isinstance(figure, int) or "value" in figure
    ]
    head = _head("figure", "value", "95 % interval")
    return _table(caption, head, rows, "figures")


def confusion_table(confusion: Figure) -> str:
    """What was said, column by column, of each group, row by row."""
    names = ["none" if name is None else str(name) for name in confusion["names"]]
    if len(names) > _CONFUSION_LARGEST:
        return f"<p>{len(names)} groups: too many for a table here; report.json holds it.</p>"
    head = f"<tr><td></td>{''.join(_column(name) for name in names)}</tr>"
    rows = []
    for name, counts in zip(names, confusion["counts"], strict=True):
        if sum(counts):
            cells = "".join(
                f'<td class="{"right" if said == name else "wrong" if count else ""}">'
                f"{count or ''}</td>"
                for said, count in zip(names, counts, strict=True)
            )
            rows.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    return _wide("What is taken for what", _table("", head, rows, "confusion"))


def groups_table(groups: Sequence[Figure]) -> str:
    """A row for each group that was asked about."""
    head = _head(
        *("group", "references", "queries", "missed", "share", "95 % interval"),
        *("95 % within", "95 % interval", "threshold", "worst confused with"),
    )
    rows = [
        f'<tr><th scope="row">{escape(row["group"])}</th><td>{row["references"]:,}</td>'
        f"<td>{row['queries']:,}</td><td>{row['missed']['events']:,}</td>"
        f"<td>{_percent(row['missed']['value'])}</td><td>{_interval(row['missed'])}</td>"
        f"<td>{_distance(row['within_95']['value'])}</td>"
        f"<td>{_between(row['within_95']['interval'], _distance)}</td>"
        f"<td>{_distance(row['threshold'])}</td>"
        f"<td>{escape(row['worst_confused'] or '–')}</td></tr>"
        for row in groups
    ]
    return _wide("Group by group", _table("", head, rows, "groups"))


def _row(name: str, figure: Figure | int | None) -> str:
    cells = [f'<th scope="row">{_kept(escape(name))}</th>']
    if figure is None:
        cells += ["<td>–</td>", "<td>too few pictures to support this rate</td>"]
    elif isinstance(figure, int):
        cells += [f"<td>{figure:,}</td>", "<td></td>"]
    else:
        write = _distance if name == "EER threshold" else _percent
        cells += [f"<td>{write(figure['value'])}</td>", f"<td>{_sure(figure, write)}</td>"]
    return f"<tr>{''.join(cells)}</tr>"


def _sure(figure: Figure, write: Writer) -> str:
    """The interval, and the counts or the range over the draws behind it."""
    more = ""
    if "events" in figure:
        more = f"{figure['events']:,} of {figure['trials']:,}"
    elif "range" in figure:
        more = f"draws: {_between(figure['range'], write)}"
    return f"{_between(figure['interval'], write)} <small>{more}</small>"


def _interval(figure: Figure) -> str:
    return _between(figure["interval"], _percent)


def _between(ends: Sequence[float | None], write: Writer) -> str:
    """Both ends; a question mark for one that too few pictures leave open."""
    low, high = ("?" if end is None else write(end) for end in ends)
    return f"{low} to {high}"


def _percent(share: float) -> str:
    return _kept(percent(share))


def _distance(value: float) -> str:
    return f"{value:.4f}"


def _kept(text: str) -> str:
    """No line may begin with a per cent sign."""
    return text.replace(" %", "&nbsp;%")


def _head(*names: str) -> str:
    return f"<tr>{''.join(map(_column, names))}</tr>"


def _column(name: str) -> str:
    return f'<th scope="col">{_kept(escape(name))}</th>'


def _table(caption: str, head: str, rows: Iterable[str], kind: str) -> str:
    told = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<table class="{kind}">{told}<thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'
    )


def _wide(name: str, table: str) -> str:
    """What may be wider than a phone scrolls by itself, by key too."""
    return f'<div class="wide" role="region" tabindex="0" aria-label="{name}">{table}</div>'
