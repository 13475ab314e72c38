"""Give a gallery another model: its references are embedded again.

Does not calibrate: an operating point belongs to the vectors that it was measured on.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import compress

import numpy as np

from embedder.data.label_rule import NO_LABELS
from embedder.data.records import Record, Records
from embedder.data.sources import records as read
from embedder.model import Embedder
from embedder.text import counted
from index.address import Address
from index.gallery import Gallery
from index.operating_point import points_from_json
from index.references.rows import Reference
from index.replacement import replacement
from likewise.arrays import Pixels
from likewise.asked_again import decisions_of
from likewise.calibration.own import OwnThreshold, is_own, measure_own
from likewise.decoding import decode_stream
from likewise.embedding import NOT_FINITE, embed
from likewise.enrolment import BATCH
from likewise.errors import LikewiseError
from likewise.kept_pictures import without_usable_picture
from likewise.names import composed, examples

SAMPLE = 1000  # references
_SECONDS = 2.0  # large pictures are embedded at least as often

Progress = Callable[[int], object]


class UpgradeError(LikewiseError, ValueError):
    """A gallery's references cannot be embedded again."""


@dataclass(slots=True)
class UpgradeReport:
    """Outcome of an upgrade.

    Attributes:
        from_gallery: References embedded from the pictures that the gallery keeps.
        from_data: References embedded from the data.
        dropped: Names of the operating points that were calibrated for the old vectors.
        compared: References whose decision was compared, each asked against all others; 0 where
            the old or the new gallery has no threshold.
        changes: How many decisions differ, by the kind of decision before and after.
        own: The threshold measured on the gallery itself, where the new model brings none.
    """

    from_gallery: int = 0
    from_data: int = 0
    dropped: list[str] = field(default_factory=list)
    compared: int = 0
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    own: OwnThreshold | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """References with their pictures, `(n, *input_shape)` uint8, and the hashes of these."""

    references: list[Reference]
    images: Pixels
    contents: list[bytes | None] | list[bytes]


def upgrade(
    gallery: str | os.PathLike[str] | Address,
    model: str | os.PathLike[str] | Embedder,
    data: Records | Iterable[Record] | str | os.PathLike[str] = (),
    *,
    sample: int = SAMPLE,
    progress: Progress | None = None,
) -> UpgradeReport:
    """Embed the references of a gallery again, with another model.

    Ids, labels and metadata stay; calibrated operating points go, and where the new model brings
    none, one is measured on the gallery itself, as by `build`. The gallery is replaced in one
    step at the end: an interrupt, or `kill -9`, leaves the old one or the new one.

    Args:
        gallery: The gallery's directory or address.
        model: The directory of a model, or an embedder.
        data: The pictures of the references, by their ids, or the path of a folder, a list or a
            data set of them: needed where the new model prepares
            pictures in another way than the old one, or a reference came as a vector.
        sample: References whose decisions before and after are compared, 0 or more.
        progress: Called with the number of further references that are embedded.

    Returns:
        How many came from which source, and how many decisions differ.

    Raises:
        UpgradeError: If the gallery has this model already, or the picture of a reference is
            missing; then nothing was changed.
        GalleryError: If there is no gallery, or it cannot be written.
        ModelError: If there is no such model.

    Example:
        >>> import likewise, tempfile
        >>> path = f"{tempfile.mkdtemp()}/digits.gallery"
        >>> likewise.build(path, "mnist/test/00000").close()
        >>> likewise.upgrade(path, likewise.Embedder.load())
        Traceback (most recent call last):
        ...
        likewise.upgrading.UpgradeError: ...digits.gallery has the model ... already.
    """
    embedder = model if isinstance(model, Embedder) else Embedder.load(model)
    if isinstance(data, str | os.PathLike):
        data = read(data, rule=NO_LABELS)
    with Gallery.open(gallery) as old:
        if old.fingerprint == embedder.fingerprint:
            raise UpgradeError(f"{old.place} has the model {old.fingerprint} already.")
        wanted = without_usable_picture(old, embedder)
        records = _require_all(old, wanted, data)
        report = UpgradeReport(dropped=_calibrated(old))
        with replacement(
            old,
            dim=embedder.dim,
            fingerprint=embedder.fingerprint,
            operating_points=points_from_json(embedder.operating_points),
            model=embedder.path,
        ) as new:
            for batch in _kept_pictures(old, wanted):
                report.from_gallery += _store(old, new, embedder, batch, progress)
            for batch in _pictures_of(records, old, wanted, embedder):
                report.from_data += _store(old, new, embedder, batch, progress)
            if new.points.default is None and new.groups():
                report.own = measure_own(new)
            _compare(old, new, sample, report)
    return report


def _calibrated(old: Gallery) -> list[str]:
    points = old.points.all().items()
    measured = (each for each in points if each[1].generation is not None)
    return [name for name, point in measured if not is_own(name, point)]


def _require_all(
    old: Gallery, wanted: Mapping[str, str], data: Records | Iterable[Record]
) -> Iterable[Record]:
    """Refuse data that lacks references, where it can be read twice; return it unread."""
    records = data if isinstance(data, Records) else Records(iter(data), None)
    if isinstance(data, Sequence):
        records = Records(lambda: iter(data), len(data))
    again = records.again()
    if wanted and again is not None:
        there = {composed(record.id) for record in again}
        _refuse(old, missing=[id for name, id in wanted.items() if name not in there])
    return records


def _kept_pictures(old: Gallery, wanted: Mapping[str, str]) -> Iterator[_Batch]:
    """The references whose pictures the gallery keeps as the new network takes them."""
    others = set(wanted.values())
    if len(others) == len(old):
        return
    for batch in old.batches(BATCH):
        kept = [reference for reference in batch if reference.id not in others]
        if kept:
            pictures = [r.picture for r in kept if r.picture is not None]  # of all
            yield _Batch(kept, np.stack(pictures), [r.content for r in kept])


def _pictures_of(
    data: Iterable[Record], old: Gallery, wanted: Mapping[str, str], embedder: Embedder
) -> Iterator[_Batch]:
    """The other references, with their pictures from the data; all of them, or an error."""
    left = dict(wanted)
    unreadable: list[tuple[str, str]] = []
    others: list[str] = []

    def needed() -> Iterator[Record]:
        for record in data:
            if (id := left.pop(composed(record.id), None)) is not None:
                yield replace(record, id=id)

    if not wanted:
        return
    stream = decode_stream(needed(), embedder, size=BATCH, seconds=_SECONDS, hashed=True)
    with closing(stream) as batches:
        for batch in batches:
            unreadable += [(batch.records[place].id, why) for place, why in batch.reasons.items()]
            named = old.named([record.id for record in batch.readable])
            references = [named[record.id] for record in batch.readable]
            pairs = zip(references, batch.contents, strict=True)
            others += [r.id for r, content in pairs if r.content not in (None, content)]
            if references:
                yield _Batch(references, batch.images, batch.contents)
    _refuse(old, list(left.values()), unreadable, others)


def _refuse(
    old: Gallery,
    missing: Sequence[str] = (),
    unreadable: Sequence[tuple[str, str]] = (),
    others: Sequence[str] = (),
) -> None:
    """Raise unless each reference has its picture."""
    reasons = []
    if missing:
        reasons.append(f"there is none for {counted(len(missing), 'id')}, {examples(missing)}")
    if unreadable:
        id, why = unreadable[0]
        reasons.append(
            f"{counted(len(unreadable), 'picture')} cannot be read, the first {id}: {why}"
        )
    if others:
        have = "has another picture" if len(others) == 1 else "have other pictures"
        reasons.append(f"{counted(len(others), 'id')} {have} in the data, {examples(others)}")
    if reasons:
        raise UpgradeError(
            f"Not all {counted(len(old), 'reference')} of {old.place} have a picture for the new "
            f"model: {'; '.join(reasons)}. Nothing was changed. Give the pictures that they were "
            f"added from: likewise upgrade {old.place} --model MODEL PICTURES (those that the "
            "gallery keeps suffice where both models prepare pictures alike); or remove the "
            "references first."
        )


def _store(
    old: Gallery, new: Gallery, embedder: Embedder, batch: _Batch, progress: Progress | None
) -> int:
    """Embed and add references; returns how many."""
    references = batch.references
    vectors, has_vector = embed(embedder, batch.images)
    if not has_vector.all():
        lost = compress(references, (~has_vector).tolist())
        _refuse(old, unreadable=[(reference.id, NOT_FINITE) for reference in lost])
    new.add(
        [reference.id for reference in references],
        vectors,
        [reference.label for reference in references],
        metadata=[reference.metadata for reference in references],
        pictures=batch.images,
        contents=batch.contents,
    )
    if progress:
        progress(len(references))
    return len(references)


def _compare(old: Gallery, new: Gallery, sample: int, report: UpgradeReport) -> None:
    """Count how many decisions differ for references spread over the gallery."""
    ids = sorted(old.ids())
    places = np.linspace(0, len(ids), min(sample, len(ids)), endpoint=False, dtype=np.int64)
    chosen = [ids[place] for place in places]
    before, after = decisions_of(old, chosen), decisions_of(new, chosen)
    report.compared = min(len(before), len(after))
    for was, now in zip(before, after, strict=False):
        if (was.decision, was.label) != (now.decision, now.label):
            report.changes[was.decision, now.decision] += 1
