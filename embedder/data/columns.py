"""Read the header of a table: its separator and the roles of its columns.

Tables come from pandas, Excel, Kaggle, R, PowerShell and by hand, so that the names and the order
of columns differ, and the separators.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from embedder.data.boxes import CORNERS, SIZES
from embedder.data.text_lines import text_lines
from embedder.errors import DatasetError

_SEPARATORS = (",", ";", "\t", "|")
_PATHS = (
    *("path", "file", "filename", "file_name", "filepath", "file_path", "fullname", "image"),
    *("image_path", "image_file", "image_name", "img", "img_path", "imagepath", "imagename"),
)
_LABELS = (
    *("label", "labels", "class", "class_name", "classname", "category", "target"),
    "emotion",  # of FER2013
)
_IDS = ("id",)
_NAMELESS = re.compile(r"|unnamed: \d+", re.IGNORECASE)  # the index, as pandas writes it
_PIXEL_CELLS = ("pixels", "pixel", "image")  # of all pixels of a picture, if it holds numbers
_PIXEL = re.compile(r"(?:pixel|px|[pvx]|feature|attr?|col(?:umn)?)?[ _.-]?\d+(?:x\d+)?", re.I)
_BEFORE = re.compile(r'"?(?:sep=(?P<separator>.)|#TYPE .*)"?')  # of Excel, and of PowerShell
_BETWEEN = str.maketrans(",[]\r\n", " " * 5)  # what may stand between the numbers of such a cell
_OF_PIXELS = "0123456789. ,[]\t\r\n"
_MOST_COLUMNS = 4_000_000  # a picture of 2000 x 2000 pixels
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Roles:
    """Positions of the columns with a role, None for a missing one."""

    path: int | None
    label: int | None
    id: int | None


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a table.

    Attributes:
        names: Names of all columns, without outer spaces.
        separator: Separator of cells.
        before: Number of lines before it.
        roles: Roles of the columns.
        pixel_cell: Position of a column that holds all pixels of a picture; None without one.
    """

    names: list[str]
    separator: str
    before: int
    roles: Roles
    pixel_cell: int | None = None

    @property
    def nameless(self) -> frozenset[int]:
        """Places of columns without a name, which hold nothing: an index, what Excel left over."""
        return frozenset(n for n, name in enumerate(self.names) if _NAMELESS.fullmatch(name))

    @property
    def pixels(self) -> list[int]:
        """Places of the columns of pixels, in their pictures' order, which their numbers tell.

        Empty unless all else is label or id.
        """
        known = {self.roles.label, self.roles.id, *self.nameless}
        places = [place for place in range(len(self.names)) if place not in known]
        names = [self.names[place] for place in places]
        numbers = [int(name) for name in names if name.isdecimal()]
        is_row = len(numbers) == len(names) and numbers != sorted(set(numbers))
        if is_row or not all(map(_PIXEL.fullmatch, names)):
            return []
        counted = {place: _numbers(name) for place, name in zip(places, names, strict=True)}
        is_clear = len(set(counted.values())) == len(places)
        return sorted(places, key=counted.__getitem__) if is_clear else places


def _numbers(name: str) -> tuple[int, ...]:
    """The numbers of a column of pixels: one, or row and column."""
    return tuple(map(int, re.findall(r"\d+", name)))


def read_header(path: Path) -> Header:
    """Read the header of a CSV of paths or of pixels, with any separator.

    Raises:
        DatasetError: If it has no column of paths, and columns of other than pixels.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "list.csv"
        >>> _ = path.write_text("Filename;Class")
        >>> header = read_header(path)
        >>> header.separator, header.roles
        (';', Roles(path=0, label=1, id=None))
    """
    lines, before = text_lines(path), 0
    separators: tuple[str, ...] = _SEPARATORS
    line = next(lines, "")
    while mark := _BEFORE.fullmatch(line):
        separators = (mark["separator"],) if mark["separator"] else separators
        line, before = next(lines, ""), before + 1
    first = next(lines, "")
    for separator in separators:
        names = _cells(path, line, separator)
        header = Header(names, separator, before, roles(names))
        _refuse_twins(path, header)
        place = _place(names, _PIXEL_CELLS)
        if header.roles.path in (None, place) and _holds_pixels(path, first, separator, place):
            return replace(header, roles=replace(header.roles, path=None), pixel_cell=place)
        if header.roles.path is not None or header.pixels:
            return header
    raise _unknown(path, line)


def _refuse_twins(path: Path, header: Header) -> None:
    """Refuse two columns of one name where only one of them would be read."""
    for place in (header.roles.path, header.roles.label, header.roles.id):
        if place is not None and header.names.count(header.names[place]) > 1:
            raise DatasetError(
                f"{path} has two columns {header.names[place]!r}: rename the one to leave out."
            )


def spaced(cell: str) -> str:
    """Put spaces between the numbers of a cell, in place of what Python and NumPy write there.

    Example:
        >>> spaced("70 80 82"), spaced("[0,1,1,0]")
        ('70 80 82', ' 0 1 1 0 ')
    """
    return cell.translate(_BETWEEN)


def _holds_pixels(path: Path, row: str, separator: str, place: int | None) -> bool:
    """Whether a cell of the first row, or the first line of that cell, is nothing but numbers."""
    if place is None:
        return False
    try:
        cells = next(csv.reader([row], delimiter=separator), [])
    except csv.Error as error:
        raise DatasetError(
            f"{path}, row 1 cannot be read as CSV ({error}): make its pictures smaller."
        ) from error
    cell = cells[place] if place < len(cells) else ""
    return len(spaced(cell).split()) > 1 and not cell.strip(_OF_PIXELS)


def _cells(path: Path, line: str, separator: str) -> list[str]:
    """The cells of the first line."""
    if line.count(separator) > _MOST_COLUMNS:
        raise DatasetError(
            f"{path} has {line.count(separator) + 1} columns, but at most {_MOST_COLUMNS} are "
            "read: check its line ends."
        )
    try:
        return [name.strip() for name in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error as error:
        raise DatasetError(f"{path} has a header that is not CSV ({error}): repair it.") from error


def roles(names: Iterable[str]) -> Roles:
    """Find the columns of paths, labels and ids, preferring the standard names.

    Example:
        >>> roles(["image", "class", "label"])
        Roles(path=0, label=2, id=None)
    """
    return _roles(tuple(names))


class BoxColumns(NamedTuple):
    """The columns of a box.

    Attributes:
        names: What they are called, whether they are there or not.
        places: Places of those that are there.
        corners: Whether they are two corners, not a corner and a size.
    """

    names: tuple[str, ...]
    places: tuple[int, ...]
    corners: bool

    @property
    def is_whole(self) -> bool:
        """Whether all of them are there."""
        return len(self.places) == len(self.names)

    @property
    def missing(self) -> str | None:
        """Say so where all columns but one are there."""
        if len(self.places) != len(self.names) - 1:
            return None
        return f"expected the columns {', '.join(self.names)} of a box, but one of them is missing."


def box_columns(names: Iterable[str]) -> BoxColumns:
    """Find the columns of a box; of several forms the most complete one.

    Example:
        >>> box_columns(["path", "X", "Y", "W", "H"]).places
        (1, 2, 3, 4)
        >>> box_columns(["path", "width", "xmin", "ymin", "xmax", "ymax"]).corners
        True
        >>> box_columns(["path", "x", "y", "w"]).missing
        'expected the columns x, y, w, h of a box, but one of them is missing.'
    """
    return _box_columns(tuple(names))


@lru_cache(maxsize=16)
def _box_columns(names: tuple[str, ...]) -> BoxColumns:
    forms = []
    for known in (*SIZES, *CORNERS):
        places = [_place(names, (name,)) for name in known]
        there = tuple(place for place in places if place is not None)
        forms.append(BoxColumns(known, there, known in CORNERS))
    return max(forms, key=lambda form: len(form.places))


@lru_cache(maxsize=16)
def _roles(names: tuple[str, ...]) -> Roles:
    return Roles(*(_place(names, known) for known in (_PATHS, _LABELS, _IDS)))


def _place(names: Sequence[str], known: Sequence[str]) -> int | None:
    if known[0] in names:
        return names.index(known[0])
    folded = [str(name).strip().casefold().replace(" ", "_") for name in names]
    return next((folded.index(name) for name in known if name in folded), None)


def shown(names: Sequence[str]) -> str:
    """Name the first few columns.

    Example:
        >>> shown(["label", *map(str, range(784))]), shown([])
        ('label, 0, 1 and 782 more', 'nothing')
    """
    first = ", ".join(name[:40] for name in names[:_SHOWN]) or "nothing"
    return first if len(names) <= _SHOWN else f"{first} and {len(names) - _SHOWN} more"


def _unknown(path: Path, line: str) -> DatasetError:
    if line.startswith("PK\x03\x04"):
        return DatasetError(f"{path} is a spreadsheet or a zip, not text: save it as CSV.")
    names = [name.strip() for name in max((line.split(s) for s in _SEPARATORS), key=len)]
    if len(names) > 1 and all(re.fullmatch(r"-?\d+(?:\.\d+)?", name) for name in names):
        return DatasetError(
            f"{path} should begin with a header, but begins with {len(names)} numbers: put a line "
            "before them, label,pixel0,pixel1 and so on, with label where the labels stand."
        )
    return DatasetError(
        f"{path} should begin with a header, path,label or label,pixel0,pixel1 and so on, but "
        f"begins with {shown([name for name in names if name])}: name its columns."
    )
