"""The picture files that match a pattern, read by the rules that folders are read by."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from embedder.data.listing import file_begins_as_picture, is_picture
from embedder.data.passed_over import LINKED, SPECIAL, PassedOver
from embedder.data.records import Record, Records
from embedder.errors import DatasetError

_ENDING = re.compile(r"\.([A-Za-z0-9]+)$")


def glob_records(pattern: str) -> Records:
    """Stream the picture files that match a pattern, `**` included, without labels.

    The ending of a pattern matches in small and capital letters alike. Files that are not named
    as pictures are passed over, unless the pattern itself ends as they do. A picture that several
    links lead to is read once, in its own place.

    Args:
        pattern: As Python's `glob` reads it.

    Raises:
        DatasetError: If no picture matches.
    """
    passed_over = PassedOver()
    matched = sorted(glob.glob(_any_case(pattern), recursive=True))
    named = _ENDING.search(pattern) is not None
    pictures = [path for path in matched if _is_read(path, named, passed_over)]
    kept = _once(pictures, passed_over)
    sentence = passed_over.sentence(pattern)
    if not kept:
        thing, told = ("picture", f" {sentence}") if sentence else ("file", "")
        raise DatasetError(f"No {thing} matches {pattern!r}: check the pattern.{told}")
    notes = [sentence] if sentence else []
    return Records(
        lambda: (Record(path, None, Path(path)) for path in kept), len(kept), notes=notes
    )


def _any_case(pattern: str) -> str:
    """Let the ending of a pattern match in small and capital letters.

    Example:
        >>> _any_case("scans/*.jpg")
        'scans/*.[jJ][pP][gG]'
    """
    ending = _ENDING.search(pattern)
    if ending is None:
        return pattern
    letters = (f"[{c.lower()}{c.upper()}]" if c.isalpha() else c for c in ending[1])
    return f"{pattern[: ending.start()]}.{''.join(letters)}"


def _is_read(path: str, named: bool, passed_over: PassedOver) -> bool:
    """Accept what has a picture's name, and any file if its ending is `named` by the pattern."""
    mode = os.lstat(path).st_mode
    if stat.S_ISDIR(mode) or (stat.S_ISLNK(mode) and os.path.isdir(path)):
        return False
    name = os.path.basename(path)
    if not named and not (is_picture(name) and ("." in name or file_begins_as_picture(path))):
        passed_over.add_file(path)
    elif not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        passed_over.add(SPECIAL, path)
    else:
        return True
    return False


def _once(paths: Sequence[str], passed_over: PassedOver) -> list[str]:
    """Leave out paths that lead by links to what another path names in its own place."""
    real = cache(os.path.realpath)  # of few folders
    places = {path: _place(path, real(os.path.dirname(path))) for path in paths}
    if len(set(places.values())) == len(paths):
        return list(paths)
    own = {place: path for path, place in reversed(places.items())}
    own |= {place: path for path, place in places.items() if os.path.abspath(path) == place}
    for path in paths:
        if own[places[path]] != path:
            passed_over.add(LINKED, path)
    return [path for path in paths if own[places[path]] == path]


def _place(path: str, folder: str) -> str:
    """Where a picture lies; a link to another one in its folder is a picture of its own."""
    if os.path.islink(path):
        real = os.path.realpath(path)
        if os.path.dirname(real) != folder:
            return real
    return f"{folder}/{os.path.basename(path)}"
