"""Picture files on disk: a folder per label, or a folder of pictures.

No picture is opened before its pixels are asked for. A damaged one is a record as any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from embedder.data.choice import Choice
from embedder.data.label_rule import AUTOMATIC, LabelRule
from embedder.data.listing import Listing
from embedder.data.records import Record, Records
from embedder.errors import DatasetError


def folder_records(folder: Path, split: str | None = None, rule: LabelRule = AUTOMATIC) -> Records:
    """Stream the pictures of a folder, the one level of folders that divides being the label.

    Args:
        folder: `folder/alice/1.png` has the label `alice`; folders around all others are none,
            and a picture beside them has the label None: see `levels`.
        split: Read only the pictures of this part, as `train`.
        rule: Where labels stand, if not on the level that divides.

    Returns:
        Records whose ids are the paths relative to `folder`, with forward slashes.

    Raises:
        DatasetError: If the folder cannot be listed or has no picture; if it has splits and
            `split` names none of them; or if two levels divide it and the rule names none.

    Example:
        >>> from embedder.data.bundled import FOLDER
        >>> list(folder_records(FOLDER))
        Traceback (most recent call last):
        ...
        embedder.errors.DatasetError: ...
    """
    listing = Listing(folder)
    if not len(listing):
        advice = _images_file(folder) or "check the path"
        note = listing.passed_over.sentence(str(folder)) or ""
        raise DatasetError(
            f"{folder} should hold pictures, but holds none: {advice}. {note}".strip()
        )
    choice = Choice.of(str(folder), listing.folders(), split, rule)

    def stream() -> Iterable[Record]:
        within = filter(choice.holds, listing)
        return (Record(path, choice.label_of(path), folder / path) for path in within)

    return Records(stream, choice.count, notes=choice.notes(listing.passed_over))


def _images_file(folder: Path) -> str | None:
    """Advice to name a file of many pictures that lies in the folder, such as MNIST's."""
    from embedder.data.idx import is_idx

    files = sorted(file for file in folder.iterdir() if "images" in file.name and file.is_file())
    images = list(filter(is_idx, files))
    return f"name a file that does, such as {images[0]}" if images else None
