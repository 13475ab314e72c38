"""Make a gallery of labelled pictures."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from itertools import chain, islice

from embedder.data.bundled import is_bundled
from embedder.data.label_rule import AUTOMATIC, NO_LABELS, LabelRule
from embedder.data.records import Record, Records
from embedder.data.sources import records
from embedder.errors import DatasetError
from embedder.model import Embedder
from embedder.text import counted
from index.address import Address
from likewise import separation
from likewise.add_report import AddReport
from likewise.conflicts import OnConflict
from likewise.labelling import Labels, LabelsError, labelled_records
from likewise.matcher import Matcher
from likewise.model_choice import FOR_BUNDLED, Choice, choose, looked_at, note_misfit
from likewise.pictures import Pictures


def build(
    gallery: str | os.PathLike[str] | Address,
    data: Pictures,
    model: str | os.PathLike[str] | Embedder | None = None,
    *,
    labels: Labels | None = None,
    unlabelled: bool = False,
    label_each: bool = False,
    split: str | None = None,
    rule: LabelRule = AUTOMATIC,
    on_conflict: OnConflict = "error",
    progress: Callable[[int], object] | None = None,
) -> Matcher:
    """Make a gallery of pictures, and open it.

    A model that brings no threshold gets one that is measured on the pictures themselves: the
    operating point `own`.

    Where this fails before any reference is stored, nothing is left; else the references that are
    stored stay, and `Matcher.add` goes on.

    Args:
        gallery: The directory to make, or the address of a gallery in PostgreSQL; must not exist.
        data: The path of a folder, a list, or a data set, or the name of a bundled one, as
            `records` takes them; or a stream of records; or, with `labels`, pictures in any form
            that `Matcher.check` takes.
        model: The directory of a model, `digits`, `photos`, or an embedder; when None, `digits` for
            digits of up to 32 pixels and `photos` for all other pictures.
        labels: One for each picture, or one for all.
        unlabelled: Enrol pictures without labels, as for `Matcher.add`.
        label_each: Make each picture a group of its own, as for `Matcher.add`.
        split: `train` or `test`, for a data set that holds both.
        rule: Where labels stand in paths, if not on the one level of folders that divides.
        on_conflict: What becomes of a picture whose id another has, as for `Matcher.add`.
        progress: Called with the number of further pictures that are done.

    Returns:
        The gallery with its embedder; close it, or use it in a `with` statement.

    Warns:
        UserWarning: If pictures could not be read: how many, and why the first; if the digits model
            was plainly not made for them; or if the model brings no threshold and the pictures do
            not suffice to measure one, or most of them are missed at it.

    Raises:
        GalleryError: If there is something at `gallery` already.
        ModelError: If there is no such model; or none is named, these are not digits, and the
            photos model is not installed.
        DatasetError: If there is no such data, it is damaged, or no picture can be read.
        ConflictError: If two pictures have one id, and on_conflict does not say what to do.
        UnlabelledError: If no picture has a label, and `unlabelled` is not given.
        LabelsError: As for `Matcher.add`, or if a rule comes with `unlabelled` or `label_each`.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/digits.gallery"
        >>> with build(path, islice(records("mnist/train"), 500)) as matcher:
        ...     len(matcher.gallery), matcher.check("mnist/test/00000")[0].label
        (500, '7')
    """
    pictures = _some(_source(data, labels, split, rule, unlabelled, label_each))
    choice, pictures = (None, pictures) if model is not None else _choice(data, pictures)
    embedder = choice.load() if choice else _loaded(model)
    matcher = Matcher.create(gallery, embedder)
    try:
        report = matcher.add(
            pictures, unlabelled=unlabelled, on_conflict=on_conflict, progress=progress
        )
        _tell_unreadable(report)
        if choice:
            choice.note_in(matcher.gallery)
        elif sentence := note_misfit(embedder, matcher.gallery, pictures):
            warnings.warn(sentence, stacklevel=2)
        _measure(matcher)
    except BaseException:
        close_or_discard(matcher)
        raise
    return matcher


def _choice(data: Pictures, pictures: Iterable[Record]) -> tuple[Choice, Iterable[Record]]:
    """Choose a model where none is named; bundled digits are known without a look."""
    if isinstance(data, str) and is_bundled(data):
        return FOR_BUNDLED, pictures
    taken, pictures = looked_at(pictures)
    return choose(taken), pictures


def _loaded(model: str | os.PathLike[str] | Embedder | None) -> Embedder:
    return model if isinstance(model, Embedder) else Embedder.load(model)


def _measure(matcher: Matcher) -> None:
    """Measure a threshold on the references where the model brings none, and warn of a bad one."""
    gallery = matcher.gallery
    if not gallery.count_groups():
        return
    if gallery.points.default is None:
        from likewise.calibration.own import measure_own

        measured = measure_own(gallery)
        if measured.point is None:
            warnings.warn(measured.sentence(str(gallery.place)), stacklevel=3)
            return
    if unseparated := separation.warning(gallery.points.named()[1]):
        warnings.warn(unseparated, stacklevel=3)


def close_or_discard(matcher: Matcher) -> int:
    """Close a gallery whose making failed; an empty one is removed, so that its place is free.

    Returns:
        How many references are left.
    """
    held = len(matcher.gallery)
    if held:
        matcher.close()
    else:
        matcher.gallery.discard()
    return held


def _source(
    data: Pictures,
    labels: Labels | None,
    split: str | None,
    rule: LabelRule,
    unlabelled: bool,
    label_each: bool,
) -> Iterable[Record]:
    if unlabelled or label_each:
        if rule != AUTOMATIC:
            raise LabelsError("Give a rule for labels, or `unlabelled` or `label_each`, not both.")
        rule = NO_LABELS
    if labels is None and isinstance(data, str | os.PathLike):
        data = records(data, split=split, rule=rule)
    elif split is not None:
        raise DatasetError(f"Pictures have no splits: leave out the split {split!r}.")
    return labelled_records(data, labels, unlabelled=unlabelled, label_each=label_each)


def _some(pictures: Iterable[Record]) -> Iterable[Record]:
    """Read the first record, so that useless data fails before anything is made of it."""
    if isinstance(pictures, Records) and (again := pictures.again()) is not None:
        if next(again, None) is None:
            raise DatasetError("Expected labelled pictures. Received none: nothing was made.")
        return pictures
    stream = iter(pictures)
    first = list(islice(stream, 1))
    if not first:
        raise DatasetError("Expected labelled pictures. Received none: nothing was made.")
    return chain(first, stream)


def _tell_unreadable(report: AddReport) -> None:
    if not report.unreadable:
        return
    id, reason = report.unreadable[0]
    first = f"cannot be read; the first is {id}: {reason}."
    if len(report.unreadable) == report.total:
        raise DatasetError(f"All {counted(report.total, 'picture')} {first}")
    warnings.warn(f"{counted(len(report.unreadable), 'picture')} {first}", stacklevel=3)
