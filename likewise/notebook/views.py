"""Answers and galleries as HTML: a row each, with the picture asked about and its neighbours.

All text is escaped by the template. At most `ROWS` rows and `BYTES` bytes are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from embedder.text import counted
from index.decision import Decision
from index.gallery import Gallery
from index.neighbours import Neighbour, Neighbours
from likewise.arrays import Pixels
from likewise.errors import LikewiseError
from likewise.notebook.thumbnails import thumbnail
from likewise.output.printable import printable
from likewise.pictures import QueryPictures

ROWS, BYTES = 20, 200_000
TILES = 6  # pictures beside the one asked about
_RESERVED = 8000  # bytes of the style sheet, the caption and the notes
_LONGEST = 60  # characters of an id, a label or a reason
_NEAR = "The references underlined in green are within the threshold."


@dataclass(frozen=True, slots=True)
class Tile:
    """A small picture with its caption.

    Attributes:
        address: A `data:` address; empty where there is no picture.
        name: What a screen reader calls it.
        label: First line of the caption.
        distance: Second line.
        near: Whether it is within the threshold, so that it has a vote.
    """

    address: str
    name: str
    label: str = ""
    distance: str = ""
    near: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One row.

    Attributes:
        asked: The picture asked about, in the first column; None in the view of a gallery.
        heading: Text of the first column.
        tiles: Pictures of the last column.
        decision: `match` and so on; empty where nothing was decided.
        label: The winning group.
        detail: Distance and threshold, or why there is no answer.
        more: How many pictures there are beside those shown.
    """

    asked: Tile | None
    heading: str
    tiles: list[Tile] = field(default_factory=list)
    decision: str = ""
    label: str = ""
    detail: str = ""
    more: int = 0


def decisions_view(decisions: Sequence[Decision], pictures: QueryPictures, gallery: Gallery) -> str:
    """Show n decisions.

    Args:
        decisions: n decisions.
        pictures: The n pictures that they are about.
        gallery: Holds the pictures of their neighbours; may be closed.

    Example:
        >>> import tempfile, likewise
        >>> with likewise.build(f"{tempfile.mkdtemp()}/g", "mnist/test/00000") as matcher:
        ...     html = matcher.check("mnist/test/00000")._repr_html_()
        >>> "mnist/test/00000" in html, html.count("<img")
        (True, 2)
    """
    counts = Counter(decision.decision for decision in decisions)
    parts = ", ".join(f"{count} {name}" for name, count in counts.items())
    title = f"{counted(len(decisions), 'decision')}{f': {parts}' if parts else ''}"
    ids = pictures[:ROWS].ids()
    lines = (
        _decision_line(id, _asked(pictures, place, id), decision, gallery)
        for place, (id, decision) in enumerate(zip(ids, decisions, strict=False))
    )
    near = any(decision.neighbours for decision in decisions[:ROWS])
    return _view(title, len(decisions), lines, _NEAR if near else "")


def neighbours_view(
    title: str,
    neighbours: Neighbours,
    pictures: QueryPictures,
    reasons: dict[int, str],
    gallery: Gallery,
) -> str:
    """Show the nearest references of n pictures.

    Args:
        title: Caption of the table.
        neighbours: `(n, k)`.
        pictures: The n pictures.
        reasons: Why a picture has no neighbours, or doubtful ones, by its place among the n.
        gallery: Holds the pictures of the neighbours; may be closed.
    """
    ids = pictures[:ROWS].ids()
    lines = (
        Line(
            _asked(pictures, place, id),
            _short(id),
            _tiles(neighbours[place], gallery),
            detail=_short(reasons.get(place, "")),
            more=max(0, len(neighbours[place]) - TILES),
        )
        for place, id in enumerate(ids)
    )
    return _view(title, len(neighbours), lines)


def gallery_view(gallery: Gallery) -> str:
    """Show a gallery: its groups, each with some of its references.

    Args:
        gallery: If it is closed, the view says so.
    """
    name = _short(gallery.place.name)
    try:
        groups = gallery.groups()
    except LikewiseError as error:
        return _view(f"{name}: {error}", 0, ())
    title = (
        f"{name}: {counted(sum(groups.values()), 'reference')} of {counted(len(groups), 'group')}"
    )
    lines = (_group_line(label, count, gallery) for label, count in groups.items())
    return _view(title, len(groups), lines)


def _decision_line(id: str, asked: Tile, decision: Decision, gallery: Gallery) -> Line:
    detail = _short(decision.reason or "")
    if decision.distance is not None and decision.threshold is not None:
        sign = "≤" if decision.distance <= decision.threshold else ">"
        detail = f"{decision.distance:.4f} {sign} {decision.threshold:.4f}"
    return Line(
        asked,
        _short(id),
        _tiles(decision.neighbours, gallery, decision.threshold),
        decision.decision,
        _short(decision.label or ""),
        detail,
        max(0, len(decision.neighbours) - TILES),
    )


def _group_line(label: str, count: int, gallery: Gallery) -> Line:
    ids = gallery.samples(label, TILES)
    tiles = [Tile(_picture(gallery, id), _short(id)) for id in ids]
    return Line(None, _short(label), tiles, detail=counted(count, "reference"))


def _tiles(
    neighbours: Sequence[Neighbour], gallery: Gallery, threshold: float | None = None
) -> list[Tile]:
    return [
        Tile(
            _picture(gallery, near.id),
            _short(near.id),
            _short(near.label or ""),
            f"{near.distance:.4f}",
            threshold is not None and near.distance <= threshold,
        )
        for near in neighbours[:TILES]
    ]


def _asked(pictures: QueryPictures, place: int, id: str) -> Tile:
    return Tile(_address(pictures.picture(place)), _short(id))


def _picture(gallery: Gallery, id: str) -> str:
    """The address of a reference's picture; empty if it has none, is gone, or cannot be read."""
    with suppress(LikewiseError):
        return _address(gallery.get(id).picture)
    return ""


def _address(picture: Pixels | None) -> str:
    return "" if picture is None else thumbnail(np.asarray(picture))


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _view(title: str, count: int, lines: Iterable[Line], note: str = "") -> str:
    rows = list(_fitting(lines))
    shown = f"{len(rows)} of {count} are shown." if len(rows) < count else ""
    notes = [text for text in (note, shown) if text]
    return _template("view").render(title=title, rows=rows, notes=notes)


def _fitting(lines: Iterable[Line]) -> Iterator[str]:
    """Rows as HTML, as many as may be shown."""
    size = _RESERVED
    for _, line in zip(range(ROWS), lines, strict=False):
        row = _template("row").render(line=line)
        size += len(row.encode())
        if size > BYTES:
            return
        yield row


@cache
def _template(name: str) -> Template:
    templates = Environment(
        loader=PackageLoader("likewise.notebook", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template(f"{name}.html.j2")
