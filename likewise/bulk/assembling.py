"""Make of the parts of a sharded build the gallery that one run would have made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from embedder.errors import DatasetError, ModelError
from embedder.model import Embedder
from index.complete import complete_gallery
from index.gallery import Gallery
from index.operating_point import points_from_json
from likewise.add_report import AddReport
from likewise.bulk.parts import PartsError
from likewise.bulk.references import Passed
from likewise.conflicts import Entry, OnConflict
from likewise.enrolment import BATCH, write


@dataclass(frozen=True, slots=True)
class Assembled:
    """A gallery that is complete, but for its threshold.

    Attributes:
        gallery: It appears at its place once the block of `assembled` ends.
        report: What became of the pictures.
    """

    gallery: Gallery
    report: AddReport


@contextmanager
def assembled(
    output: Path, settings: Mapping[str, Any], rows: Iterator[Entry | Passed]
) -> Iterator[Assembled]:
    """Make a gallery of what the parts of a build made.

    Args:
        output: The gallery's directory; must not exist.
        settings: What its parts agree in, as `BuildOptions.settings` gives them.
        rows: The pictures of all parts, in the order of the input.

    Raises:
        GalleryError: If there is something at `output`.
        PartsError: If the model of the parts is not here, or a part is damaged.
        ConflictError: If two pictures have one id, and the options do not say what to do.
        UnlabelledError: If no picture has a label, and the options ask for labels.
        DatasetError: If no picture could be read.
    """
    embedder = _embedder(settings["model"], settings["fingerprint"])
    points = points_from_json(embedder.operating_points)
    with complete_gallery(
        output,
        dim=embedder.dim,
        fingerprint=embedder.fingerprint,
        operating_points=points,
        model=embedder.path,
    ) as gallery:
        report = _fill(gallery, rows, settings["on_conflict"])
        for name, sentence in settings["notes"].items():
            gallery.note(name, sentence)
        yield Assembled(gallery, report)


def _embedder(name: str, fingerprint: str) -> Embedder:
    """The model that made the vectors."""
    try:
        embedder = Embedder.load(name)
    except ModelError as error:
        raise PartsError(
            f"The model {name}, with which the parts were made, is not here ({error}) Merge where "
            "it is."
        ) from error
    if embedder.fingerprint != fingerprint:
        raise PartsError(
            f"The parts were made with the model {fingerprint}, and {name} is now "
            f"{embedder.fingerprint}: run the shards again, or merge where that model is."
        )
    return embedder


def _fill(gallery: Gallery, rows: Iterator[Entry | Passed], on_conflict: OnConflict) -> AddReport:
    report = AddReport()
    while batch := list(islice(rows, BATCH)):
        entries = [row for row in batch if isinstance(row, Entry)]
        report.count(write(gallery, entries, by_metadata=False, on_conflict=on_conflict))
        for row in batch:
            if isinstance(row, Passed) and row.reason is None:
                report.unlabelled.append(row.id)
            elif isinstance(row, Passed) and row.reason is not None:
                report.unreadable.append((row.id, row.reason))
    report.require_labels()
    if report.total == len(report.unreadable):
        raise DatasetError("No picture could be read: nothing was made.")
    return report
