"""Each picture as a group of its own, called by its name: for folders whose files are the groups.

Does not look into pictures: names alone decide.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from embedder.data.formats import endings
from embedder.data.records import Record, Records
from likewise.names import normal


def each_its_own(records: Records) -> Records:
    """Label each record by its id without the ending of a picture file.

    Records whose ids differ in their endings alone keep these, and those of one id, of several
    sources, have their source before it.

    Args:
        records: Read once before, without decoding; their own labels are dropped.

    Example:
        >>> import numpy as np
        >>> blank = np.zeros((28, 28), np.uint8)
        >>> names = ["IMG_1.jpg", "IMG_2.jpg", "IMG_2.png", "old/IMG_1.jpg"]
        >>> stream = Records([Record(name, None, blank) for name in names], 4)
        >>> [record.label for record in each_its_own(stream)]
        ['IMG_1', 'IMG_2.jpg', 'IMG_2.png', 'old/IMG_1']
    """
    again = records.again()
    if again is None:  # it comes only once
        listed = list(records)
        records, again = Records(lambda: listed, len(listed), name=records.name), Records(listed, 0)
    name_of = cache(lambda: _names(again))
    return records.mapped(lambda record: replace(record, label=name_of()(record)))


def _names(records: Records) -> Callable[[Record], str]:
    """Count names, so that each record can be given one that no other has."""
    ids: Counter[str] = Counter()
    stems: Counter[str] = Counter()
    for record in records:
        ids[record.id] += 1
        if ids[record.id] == 1:
            stems[_stem(record.id)] += 1

    def name_of(record: Record) -> str:
        if ids[record.id] > 1 and record.source:
            return f"{record.source}/{record.id}"
        stem = _stem(record.id)
        return stem if stems[stem] == 1 and stem not in ids else record.id

    return name_of


def _stem(id: str) -> str:
    """A name without the ending of a picture file, spelled as labels are."""
    stem, ending = os.path.splitext(id)
    return normal(stem) if ending.lower() in endings() and normal(stem) else id
