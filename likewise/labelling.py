"""Turn a caller's pictures and labels into the records that become references."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from itertools import count, repeat
from typing import Any

import numpy as np

from embedder.data.content import content_hash
from embedder.data.labels import as_label, reader_of
from embedder.data.records import Record, Records
from embedder.errors import UnlabelledError
from likewise.errors import LikewiseError
from likewise.own_groups import each_its_own
from likewise.pictures import Picture, Pictures, as_record, listed, streamed

Labels = Sequence[Any] | np.ndarray | str | int


class LabelsError(LikewiseError, ValueError):
    """There are not as many labels, or ids, as pictures."""


def labelled_records(
    pictures: Pictures,
    labels: Labels | None = None,
    ids: Sequence[str] | str | None = None,
    *,
    unlabelled: bool = False,
    label_each: bool = False,
) -> Iterable[Record]:
    """Make records of pictures and labels; a stream with one label for all stays a stream.

    Args:
        pictures: A stream of records with labels; or, with `labels`, n pictures in any form that
            `Matcher.check` takes.
        labels: One for each of n pictures, or one for all; in place of the records' own.
        ids: One for each of n pictures. Without them, a picture that has no name is named by its
            content, so that another picture never takes its place.
        unlabelled: Whether the records get no label, and lose their own.
        label_each: Whether each is a group of its own, called by its id without the ending.

    Raises:
        LabelsError: If there are not as many labels or ids as pictures, they have no order, a label
            is neither a text nor a number, or more than one of `labels`, `unlabelled` and
            `label_each` is given.
        UnlabelledError: If one of n pictures has no label; of a stream, while iterating.
        PicturesError: If something else was passed as a picture.

    Example:
        >>> pictures = np.zeros((2, 28, 28), np.uint8)
        >>> [(record.id, record.label) for record in labelled_records(pictures, 7, ["a", "b"])]
        [('a', '7'), ('b', '7')]
    """
    if (labels is not None) + unlabelled + label_each > 1:
        raise LabelsError("Give one of `labels`, `unlabelled` and `label_each`.")
    if label_each:
        bare = labelled_records(pictures, None, ids, unlabelled=True)
        return each_its_own(bare if isinstance(bare, Records) else _listed_records(bare))
    if unlabelled:
        labels = ""
    if labels is None and ids is None and isinstance(pictures, Records):
        return pictures
    if labels is None and ids is None:
        records = map(_labelled, streamed(pictures))
        return records if isinstance(pictures, Iterator) else list(records)
    if ids is None and _is_single(labels):
        if isinstance(pictures, Records):
            return relabelled(pictures, as_label(_plain(labels)))
        label = None if labels is None else as_label(_plain(labels)) or ""
        return map(_record, streamed(pictures), repeat(label), repeat(None), map(str, count()))
    many = listed(pictures)
    column = list(map(_plain, _column("label", labels, len(many))))
    label_of = reader_of(column)
    read = (None if value is None else label_of(value) or "" for value in column)
    records = map(_record, many, read, _column("id", ids, len(many)), map(str, count()))
    return list(records) if unlabelled else [_complete(record) for record in records]


def relabelled(records: Records, label: str | None = None, *, each: bool = False) -> Records:
    """Give records other labels than their own.

    Args:
        records: The records.
        label: The label of all; None removes their labels.
        each: Whether each is a group of its own instead, called by its name.
    """
    if each:
        return each_its_own(records)
    return records.mapped(partial(_relabelled, label))


def _relabelled(label: str | None, record: Record) -> Record:
    return replace(record, label=label)


def _listed_records(records: Iterable[Record]) -> Records:
    many = list(records)
    return Records(partial(iter, many), len(many))


def _labelled(picture: Picture) -> Record:
    if isinstance(picture, Record):
        return picture
    raise UnlabelledError(
        f"{as_record(picture, 'A picture').id} has no label, and a reference needs one: pass "
        "labels=, one for each picture or one for all."
    )


def _complete(record: Record) -> Record:
    if record.label is None:
        raise UnlabelledError(
            f"{record.id} has no label, and a reference needs one: leave it out, or give it one."
        )
    return record


def _is_single(values: Any) -> bool:
    if isinstance(values, np.ndarray):
        return values.ndim == 0
    return isinstance(values, str) or not isinstance(values, Iterable)


def _column(thing: str, values: Any, count: int) -> list[Any]:
    """One value for each picture, None where there is none; one label is that of all."""
    if values is None or (thing == "label" and _is_single(values)):
        return [values] * count
    if isinstance(values, Mapping | Set):
        raise LabelsError(
            f"Expected a list of {thing}s, in the order of the pictures. Received: "
            f"{type(values).__name__}."
        )
    column = [values] if _is_single(values) else list(values)
    if len(column) != count:
        raise LabelsError(
            f"Expected {count} {thing}s, one for each picture. Received: {len(column)}."
        )
    return column


def _record(picture: Picture, label: str | None, id: str | None, place: str) -> Record:
    record = as_record(picture, "")
    name = ("" if id is None else str(id)) or record.id
    if not name:
        decoded = isinstance(record.image, np.ndarray)
        name = content_hash(record.pixels()).hex() if decoded else place
    return replace(record, id=name, label=record.label if label is None else label)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.size == 1):
        return value.item()
    if isinstance(value, list | tuple | dict | set | np.ndarray):
        raise LabelsError(f"Expected a text or a number as a label. Received: {value!r:.80}.")
    return value
