"""Answers as rows: one JSON object per picture, or one line of a CSV or a table.

A row of `check`:

    {"id", "decision", "label", "distance", "threshold", "runner_up_label",
     "runner_up_distance", "neighbours": [{"rank", "id", "label", "distance"}], "reason"}

`reason` is there where the decision is `error`, and where the picture is nearly one grey value;
`p_value` after the threshold only where evidence was asked for. A row of `query` has `id` and
`neighbours`, and `reason` in the same cases. Distances are written in the shortest form that
names the float32 value.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import orjson

from index.decision import ERROR, Decision
from index.neighbours import Neighbour

NEIGHBOURS_AT_ONCE = 1 << 17  # each takes half a kilobyte while it is in memory

Row = dict[str, Any]


def shortest(distances: Sequence[float | None]) -> list[float | None]:
    """The floats that print as the shortest names of float32 values.

    Args:
        distances: Finite float32 values; None stays None.

    Example:
        >>> float(np.float32(0.1)), shortest([float(np.float32(0.1)), None])
        (0.10000000149011612, [0.1, None])
    """
    # orjson writes a float32 in its shortest form, and NaN, NumPy's None, as null
    text = orjson.dumps(np.array(distances, np.float32), option=orjson.OPT_SERIALIZE_NUMPY)
    floats: list[float | None] = orjson.loads(text)
    return floats


@functools.lru_cache(maxsize=64)  # a job has few, and asks for each row
def shortest_threshold(threshold: float | None) -> float | None:
    """A calibrated threshold in the form of a distance, a user's own threshold unchanged.

    So `distance <= threshold` holds in a row whenever it does in memory.

    Example:
        >>> shortest_threshold(float(np.float32(0.1))), shortest_threshold(1 / 3)
        (0.1, 0.3333333333333333)
    """
    with np.errstate(over="ignore"):  # a user may give one that no float32 reaches
        calibrated = threshold is None or float(np.float32(threshold)) == threshold
    return shortest([threshold])[0] if calibrated else threshold


def decision_row(id: str, answer: Decision) -> Row:
    """Make the row of one checked picture.

    Args:
        id: The picture's id.
        answer: The decision on it, with its neighbours.

    Example:
        >>> near = Neighbour(1, "mnist/train/00009", "4", 0.25)
        >>> row = decision_row("a.png", Decision("match", "4", 0.25, 0.5, None, None, [near]))
        >>> row["decision"], row["neighbours"]
        ('match', [{'rank': 1, 'id': 'mnist/train/00009', 'label': '4', 'distance': 0.25}])
    """
    distance, runner_up, *near = shortest(
        [answer.distance, answer.runner_up_distance]
        + [neighbour.distance for neighbour in answer.neighbours]
    )
    row = {
        "id": id,
        "decision": answer.decision,
        "label": answer.label,
        "distance": distance,
        "threshold": shortest_threshold(answer.threshold),
        **({} if answer.p_value is None else {"p_value": answer.p_value}),
        "runner_up_label": answer.runner_up_label,
        "runner_up_distance": runner_up,
        "neighbours": _neighbours(answer.neighbours, near),
    }
    return row if answer.reason is None else {**row, "reason": answer.reason}


def remarked(row: Row, remark: str | None) -> Row:
    """Add what makes an answer doubtful as its reason, if there is anything.

    Args:
        row: Any row.
        remark: The doubt, or None.
    """
    return row if remark is None else {**row, "reason": remark}


def error_row(id: str, reason: str, threshold: float | None) -> Row:
    """Make the row of a picture that could not be checked.

    Args:
        id: The picture's id.
        reason: Why it could not be read.
        threshold: Largest distance that is a match for the other pictures, or None.
    """
    return decision_row(id, Decision(ERROR, None, None, threshold, None, None, [], reason))


def query_error_row(id: str, reason: str) -> Row:
    """Make the row of a queried picture that could not be read.

    Args:
        id: The picture's id.
        reason: Why it could not be read.
    """
    return {"id": id, "neighbours": [], "reason": reason}


def query_row(id: str, nearest: Sequence[Neighbour], p_value: float | None = None) -> Row:
    """Make the row of one query.

    Args:
        id: The picture's id.
        nearest: Its neighbours, the nearest first.
        p_value: The evidence, where it was asked for.
    """
    evidence = {} if p_value is None else {"p_value": p_value}
    distances = shortest([neighbour.distance for neighbour in nearest])
    return {"id": id, **evidence, "neighbours": _neighbours(nearest, distances)}


def together(rows: Iterable[Row], most: int) -> Iterator[list[Row]]:
    """Put rows together in lists of `most`, of fewer where rows have very many neighbours.

    Args:
        rows: Any number.
        most: Largest number of rows in a list, >= 1.

    Example:
        >>> rows = [{"id": "a", "neighbours": []}] * 5
        >>> [len(some) for some in together(rows, 2)]
        [2, 2, 1]
    """
    batch: list[Row] = []
    neighbours = 0
    for row in rows:
        batch.append(row)
        neighbours += len(row.get("neighbours", ()))
        if len(batch) >= most or neighbours >= NEIGHBOURS_AT_ONCE:
            yield batch
            batch, neighbours = [], 0
    if batch:
        yield batch


def json_line(row: Row) -> bytes:
    r"""Write a row as one line of UTF-8 JSON; invalid UTF-8 in a file name is escaped.

    Example:
        >>> json_line({"id": "größe.png"}).decode(), json_line({"id": "\udcff.png"})
        ('{"id":"größe.png"}\n', b'{"id":"\\udcff.png"}\n')
    """
    try:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # invalid UTF-8, which only escapes can write
        return f"{json.dumps(row, separators=(',', ':'))}\n".encode()


def row_of(line: bytes) -> Row:
    r"""Read a row that `json_line` wrote.

    Example:
        >>> row_of(b'{"id":"a.png"}\n'), row_of(json_line({"id": "\udcff.png"}))
        ({'id': 'a.png'}, {'id': '\udcff.png'})
    """
    try:
        row: Row = orjson.loads(line)
    except orjson.JSONDecodeError:  # invalid UTF-8, which only escapes can write
        row = json.loads(line)
    return row


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
    """Choose what a person reads: decisions without neighbours, else a line per neighbour.

    Args:
        rows: Rows of `check` or of `query`.
    """
    lines: list[Row] = []
    for row in rows:
        near = row.get("neighbours")
        cells = {name: value for name, value in row.items() if name != "neighbours"}
        if "decision" in row or not near:
            lines.append(cells)
        else:
            lines += [{**cells, **_renamed(reference)} for reference in near]
    return lines


def _neighbours(nearest: Sequence[Neighbour], distances: Sequence[float | None]) -> list[Row]:
    return [
        {"rank": rank, "id": id, "label": label, "distance": distance}
        for (rank, id, label, _), distance in zip(nearest, distances, strict=True)
    ]


def _renamed(near: Row) -> Row:
    return {
        "rank": near["rank"],
        "neighbour": near["id"],
        "label": near["label"],
        "distance": near["distance"],
    }
