"""Answers as rows: one JSON object per picture, or one line of a CSV or a table.

A row of `check`:

    {"id", "decision", "label", "distance", "threshold", "runner_up_label",
     "runner_up_distance", "neighbours": [{"rank", "id", "label", "distance"}], "reason"}

`reason` is there only where the decision is `error`, `p_value` after the threshold only where
evidence was asked for. A row of `query` has `id` and `neighbours`,
and `reason` for a picture that cannot be read. Distances are written in the shortest form that
names the float32 value.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from index.decision import ERROR, Decision
from index.neighbours import Neighbour

NEIGHBOURS_AT_ONCE = 1 << 17  # each takes half a kilobyte while it is in memory

Row = dict[str, Any]
Shortener = Callable[[float | None], float | None]

_SCALARS = (
    *("id", "decision", "label", "distance", "threshold"),
    *("runner_up_label", "runner_up_distance", "reason"),
)
# Of a distance in this range, the product with each of these powers is exact in float64.
_LEAST, _MOST, _POWERS = 1e-4, 4096.0, [10.0**places for places in range(13)]
_encode = json.JSONEncoder(ensure_ascii=False).encode


def shortest(distance: float | None) -> float | None:
    """Give the float that prints as the shortest name of a float32 value.

    Example:
        >>> float(np.float32(0.1)), shortest(float(np.float32(0.1)))
        (0.10000000149011612, 0.1)
    """
    return None if distance is None else float(str(np.float32(distance)))


@functools.lru_cache(maxsize=64)  # a job has few, and asks for each row
def shortest_threshold(threshold: float | None) -> float | None:
    """A calibrated threshold as a distance is written, one that a person gave as it was given.

    So `distance <= threshold` holds in a row whenever it does in memory.

    Example:
        >>> shortest_threshold(float(np.float32(0.1))), shortest_threshold(1 / 3)
        (0.1, 0.3333333333333333)
    """
    with np.errstate(over="ignore"):  # a person may give one that no float32 reaches
        calibrated = threshold is None or float(np.float32(threshold)) == threshold
    return shortest(threshold) if calibrated else threshold


class Shortest(dict[float | None, float | None]):
    """`shortest` of many distances, prepared at once in a tenth of the time.

    Args:
        distances: float32 values; any other distance may be asked for too.

    Example:
        >>> names = Shortest([float(np.float32(0.1))])
        >>> names[float(np.float32(0.1))], names[float(np.float32(0.2))]
        (0.1, 0.2)
    """

    def __init__(self, distances: Sequence[float]) -> None:
        values = np.array(distances, np.float64)
        values = values[(values >= _LEAST) & (values < _MOST)]
        for power in _POWERS:
            named = np.rint(values * power) / power
            short = named.astype(np.float32) == values
            self.update(zip(values[short].tolist(), named[short].tolist(), strict=True))
            values = values[~short]

    def __missing__(self, distance: float | None) -> float | None:
        return shortest(distance)


def decision_rows(ids: Iterable[str], answers: Sequence[Decision]) -> Iterator[Row]:
    """Make the rows of many checked pictures, the same as one by one."""
    names = Shortest([near.distance for answer in answers for near in answer.neighbours])
    for id, answer in zip(ids, answers, strict=True):
        yield decision_row(id, answer, names.__getitem__)


def decision_row(id: str, answer: Decision, shortest: Shortener = shortest) -> Row:
    """Make the row of one checked picture; its distances may be shortened by other means.

    Example:
        >>> near = Neighbour(1, "mnist/train/00009", "4", 0.25)
        >>> row = decision_row("a.png", Decision("match", "4", 0.25, 0.5, None, None, [near]))
        >>> row["decision"], row["neighbours"]
        ('match', [{'rank': 1, 'id': 'mnist/train/00009', 'label': '4', 'distance': 0.25}])
    """
    row = {
        "id": id,
        "decision": answer.decision,
        "label": answer.label,
        "distance": shortest(answer.distance),
        "threshold": shortest_threshold(answer.threshold),
        **({} if answer.p_value is None else {"p_value": answer.p_value}),
        "runner_up_label": answer.runner_up_label,
        "runner_up_distance": shortest(answer.runner_up_distance),
        "neighbours": _neighbours(answer.neighbours, shortest),
    }
    return row if answer.reason is None else {**row, "reason": answer.reason}


def error_row(id: str, reason: str, threshold: float | None) -> Row:
    """Make the row of a picture that could not be checked."""
    return decision_row(id, Decision(ERROR, None, None, threshold, None, None, [], reason))


def query_row(id: str, nearest: Iterable[Neighbour], p_value: float | None = None) -> Row:
    """Make the row of one query: its id, its evidence if there is any, and its neighbours."""
    evidence = {} if p_value is None else {"p_value": p_value}
    return {"id": id, **evidence, "neighbours": _neighbours(nearest)}


def together(rows: Iterable[Row], most: int) -> Iterator[list[Row]]:
    """Put rows together in lists of `most`, of fewer where rows have very many neighbours.

    Example:
        >>> rows = [{"id": "a", "neighbours": []}] * 5
        >>> [len(some) for some in together(rows, 2)]
        [2, 2, 1]
    """
    some: list[Row] = []
    neighbours = 0
    for row in rows:
        some.append(row)
        neighbours += len(row.get("neighbours", ()))
        if len(some) >= most or neighbours >= NEIGHBOURS_AT_ONCE:
            yield some
            some, neighbours = [], 0
    if some:
        yield some


def json_line(row: Row) -> bytes:
    r"""Write a row as one line of UTF-8 JSON; what is no UTF-8 in a file name is escaped.

    Example:
        >>> json_line({"id": "größe.png"}).decode(), json_line({"id": "\udcff.png"})
        ('{"id": "größe.png"}\n', b'{"id": "\\udcff.png"}\n')
    """
    try:
        return f"{_encode(row)}\n".encode()
    except UnicodeEncodeError:
        return f"{json.dumps(row)}\n".encode()


def columns(k: int, *, decided: bool, evidence: bool = False) -> list[str]:
    """Name the columns of a CSV of rows with k neighbours.

    Example:
        >>> columns(1, decided=False)
        ['id', 'reason', 'neighbour_1_id', 'neighbour_1_label', 'neighbour_1_distance']
    """
    scalars = list(_SCALARS if decided else ("id", "reason"))
    if evidence:
        scalars.insert(scalars.index("threshold" if decided else "id") + 1, "p_value")
    return [
        *scalars,
        *(f"neighbour_{n}_{part}" for n in range(1, k + 1) for part in ("id", "label", "distance")),
    ]


def flat(row: Row) -> Row:
    """Give a row without lists: its neighbours become numbered columns.

    Example:
        >>> near = {"rank": 1, "id": "x", "label": "4", "distance": 0.25}
        >>> list(flat({"id": "a.png", "neighbours": [near]}).values())
        ['a.png', 'x', '4', 0.25]
    """
    cells = {name: value for name, value in row.items() if name != "neighbours"}
    for near in row.get("neighbours", ()):
        for part in ("id", "label", "distance"):
            cells[f"neighbour_{near['rank']}_{part}"] = near[part]
    return cells


def for_people(rows: Iterable[Row]) -> list[Row]:
    """Choose what a person reads: decisions without neighbours, else a line per neighbour."""
    lines: list[Row] = []
    for row in rows:
        near = row.get("neighbours")
        if "decision" in row or not near:
            lines.append({name: value for name, value in row.items() if name != "neighbours"})
        else:
            lines += [{"id": row["id"], **_renamed(reference)} for reference in near]
    return lines


def _neighbours(nearest: Iterable[Neighbour], shortest: Shortener = shortest) -> list[Row]:
    return [
        {"rank": rank, "id": id, "label": label, "distance": shortest(distance)}
        for rank, id, label, distance in nearest
    ]


def _renamed(near: Row) -> Row:
    return {
        "rank": near["rank"],
        "neighbour": near["id"],
        "label": near["label"],
        "distance": near["distance"],
    }
