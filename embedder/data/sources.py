"""Labelled pictures from any source: as a stream of records, or as a data set.

`records` recognises the kind of source and passes it to the module that reads it:

| source | read by |
|---|---|
| `mnist`, `mnist/train`, `mnist/test`, `mnist/test/00017` | `bundled` |
| an IDX file, plain or gzip, its labels beside it | `idx` |
| `.npz` with `x_train, y_train…` or `images, labels`; `.npy`, its labels beside it | `npz`, `npy` |
| Kaggle's digits CSV; a CSV, JSONL or Parquet list of `path,label` | `tables` |
| Hugging Face's Parquet, with the pictures in it | `parquet_pictures` |
| a folder per label, a folder of pictures, one picture | `folders` |
| a pattern, as `scans/**/*.png` | `patterns` |
| a zip or a tar of such a folder; webdataset's tars | `zips`, `tars` |
| the same in cloud storage, as `s3://bucket/scans/` | `cloud_folders` |

Other files are refused, and the message names their format (`containers`).

A bare name that starts with `mnist` means the bundled data; `./mnist` is your own folder.
"""

from __future__ import annotations

import glob
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from embedder.data.bundled import bundled_records, is_bundled
from embedder.data.cloud import is_cloud
from embedder.data.collecting import Kept, Passed, look
from embedder.data.dataset import Dataset
from embedder.data.label_rule import AUTOMATIC, LabelRule
from embedder.data.records import Record, Records, as_text
from embedder.data.streamed import decoded
from embedder.errors import DatasetError
from embedder.text import counted

_SHOWN = 3

__all__ = ["Dataset", "Record", "load", "records"]


def records(
    source: str | os.PathLike[str], *, split: str | None = None, rule: LabelRule = AUTOMATIC
) -> Records:
    """Stream the pictures of a data set in a fixed order, without decoding files.

    Memory stays constant for lists, IDX files and Kaggle's CSV; for folders and zips the names of
    all pictures are in memory.

    Args:
        source: A source in this module's table.
        split: `train` or `test`, for sources that hold both; for folders, and tables with a column
            such as `split`, also another part.
        rule: Where labels stand in paths, if not on the one level of folders that divides.

    Returns:
        An iterator of `Record` that can count them. A damaged data set raises while iterating; a
        picture that cannot be decoded raises when its `pixels` are read.

    Raises:
        DatasetError: If the source does not exist, is damaged or has an unknown format.

    Example:
        >>> stream = records("mnist/test")
        >>> stream.count()
        10000
        >>> first = next(stream)
        >>> first.id, first.label, first.pixels().shape
        ('mnist/test/00000', '7', (28, 28))
    """
    name = os.fspath(source)
    stream = _opened(name, split, rule)
    stream.name = as_text(name.removeprefix("./").rstrip("/"))
    return stream


def _opened(name: str, split: str | None, rule: LabelRule) -> Records:
    if is_bundled(name):
        stream = by_rule(name, bundled_records(name, split), rule)
        stream.notes += _namesake(name)
        return stream
    if is_cloud(name):
        return _cloud_records(name, split, rule)
    path = Path(name)
    if path.is_dir():
        from embedder.data.listing import OF_A_GALLERY

        if all((path / file).is_file() for file in OF_A_GALLERY):
            raise DatasetError(
                f"{name!r} is a gallery, which is asked and not read: expected pictures."
            )
        from embedder.data.folders import folder_records

        return folder_records(path, split, rule)
    if path.is_file():
        return _file_records(path, name, split, rule)
    if glob.has_magic(name):
        from embedder.data.patterns import glob_records

        return by_rule(name, glob_records(name), rule)
    if path.exists():
        raise DatasetError(
            f"{name} is a pipe, socket or device: name a file or folder, or give the paths of "
            "pictures on stdin with - in its place."
        )
    raise DatasetError(f"There is no file, folder or bundled data set {name!r}: check the path.")


def _namesake(bundled: str) -> list[str]:
    """Report a file or folder that has the name of bundled data and is not read."""
    path = "/".join(bundled.split("/")[:2])
    if not os.path.lexists(path):
        return []
    return [f"{bundled} is bundled data. Your own {path} is not read: write ./{bundled} for it."]


def by_rule(source: str, stream: Records, rule: LabelRule) -> Records:
    """Label the pictures of a source without folders by a rule that reads labels from ids.

    Args:
        source: Name of the source, for messages.
        stream: Records of the source.
        rule: Where labels stand; unless it is explicit, the records are unchanged.

    Raises:
        DatasetError: While iterating, if a record already has a label.
    """
    if not rule.is_explicit:
        return stream

    def labelled(record: Record) -> Record:
        if record.label is not None:
            raise DatasetError(
                f"{source} has its own labels, such as {record.label!r} for {record.id}: leave out "
                "the level or pattern of labels."
            )
        return replace(record, label=rule.label_in(record.id))

    return stream.mapped(labelled)


def _cloud_records(address: str, split: str | None, rule: LabelRule) -> Records:
    from embedder.data.cloud_folders import cloud_records

    def read(copy: Path) -> Records:
        return _file_records(copy, address, split, rule)

    return cloud_records(address, split, rule, read)


def _file_records(path: Path, name: str, split: str | None, rule: LabelRule) -> Records:
    """Choose the reader of one file by its extension, or by its first bytes."""
    from embedder.data.containers import head_of, is_tar

    ending = path.name.removesuffix(".gz").rpartition(".")[2].lower()
    if ending == "zip":
        from embedder.data.zips import zip_records

        return zip_records(path, split=split, rule=rule)
    head = head_of(path)
    if ending == "tar" or is_tar(head):  # one that is empty or damaged is known by its name alone
        from embedder.data.tars import tar_records

        return tar_records(path, split, rule)
    return by_rule(name, _rows_of_file(path, name, ending, split, rule, head), rule)


def _rows_of_file(
    path: Path, name: str, ending: str, split: str | None, rule: LabelRule, head: bytes
) -> Records:
    if ending == "npz":
        from embedder.data.npz import npz_records

        return npz_records(path, split)
    if ending in ("csv", "tsv", "tab", "jsonl", "ndjson", "parquet", "pq"):
        from embedder.data.tables import table_records

        stream = table_records(path, "parquet" if ending == "pq" else ending, rule.wanted)
        return _part_of_table(name, stream, split, rule)
    if split is not None:
        raise DatasetError(f"{name} has no splits: leave out the split {split!r}.")
    if ending == "npy":
        from embedder.data.npy import npy_records

        return npy_records(path)
    from embedder.data.idx import idx_records, is_idx

    if is_idx(path):
        return idx_records(path)
    from embedder.data.containers import refuse_container

    refuse_container(path, head)
    return Records(lambda: iter([Record(name, None, path)]), 1)


def _part_of_table(name: str, stream: Records, split: str | None, rule: LabelRule) -> Records:
    from embedder.data.row_splits import note_of_splits, rows_of_split

    if split is not None:
        return rows_of_split(name, stream, split)
    if rule.wanted:
        stream.notes += note_of_splits(name, stream)
    return stream


def load(
    source: str | os.PathLike[str],
    *,
    split: str | None = None,
    rule: LabelRule = AUTOMATIC,
    remarks: list[str] | None = None,
    keep: bool = True,
) -> Dataset:
    """Read a whole labelled data set.

    Args:
        source: A source that `records` takes.
        split: `train` or `test`, for sources that hold both.
        rule: Where labels stand in paths, as for `records`.
        remarks: A list to which sentences about the source are added. With it, unreadable pictures
            and pictures without a label are passed over and reported; without it they are errors.
        keep: Whether pictures stay in memory. Otherwise those in files are decoded again whenever
            they are used: the source must not change meanwhile.

    Returns:
        A `Dataset`; its images in memory are one array when all have the same shape.

    Raises:
        DatasetError: As `records`; without `remarks` also if a picture has no label or cannot be
            read.

    Example:
        >>> test = load("mnist/test")
        >>> len(test), test.images.shape, test.labels[0], test.digest[:8]
        (10000, (10000, 28, 28), '7', '7c09caaf')
    """
    stream = records(source, split=split, rule=rule)
    keep = keep or _is_in_memory(stream)
    collected = Kept() if keep else Passed()
    faults: list[DatasetError] = []
    for place, looked in enumerate(decoded(partial(look, hashed=not keep), stream)):
        try:
            collected.add(place, looked, os.fspath(source))
        except DatasetError as fault:
            if remarks is None:
                raise
            faults.append(fault)
    if faults and not collected.ids:
        raise faults[0]
    if remarks is not None:
        remarks += [*stream.notes, *_summary(faults)]
    name = os.fspath(source) if split is None else f"{os.fspath(source)}/{split}"
    return collected.dataset(lambda: records(source, split=split, rule=rule), name)


def _is_in_memory(stream: Records) -> bool:
    """Whether a source's pictures are rows of an array, and not files."""
    return all(isinstance(record.image, np.ndarray) for record in stream.peek(1))


def _summary(faults: list[DatasetError]) -> list[str]:
    """Report the pictures that were passed over, the first few by name."""
    if not faults:
        return []
    first = "; ".join(str(fault).rstrip(".") for fault in faults[:_SHOWN])
    more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return [f"Passed over: {counted(len(faults), 'picture')}. {first}{more}."]
