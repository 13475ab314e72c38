"""The doctor's findings about a gallery and its embedder, as text."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from embedder.errors import EmbedderError
from embedder.text import counted
from index.address import Place
from index.doctor import examine
from index.errors import BusyError, GalleryError, UnreachableError
from index.examination import Examination
from likewise.commands.sizes import size
from likewise.matcher import Matcher
from likewise.output.printable import printable

_SHOWN = 10
_MOSTLY = 0.95  # share of nearest references of the right group below which labels are not blamed


def examined(place: Place, progress: Callable[[int], object] = lambda done: None) -> Examination:
    """Examine a gallery; a failure to open it is damage too.

    Args:
        place: Directory or address of the gallery.
        progress: Called with the number of further references that are examined.

    Raises:
        GalleryError: If there is no gallery at `place`.
    """
    if isinstance(place, Path) and not place.is_dir():
        raise GalleryError(f"Expected a gallery at '{place}', but there is no such directory.")
    try:
        matcher = Matcher.open(place)
    except (BusyError, UnreachableError):
        raise  # which is no damage
    except (GalleryError, EmbedderError) as error:
        return Examination(broken=[str(error)])
    with matcher:
        return examine(matcher.gallery, progress=progress)


def text(examination: Examination, gallery: str) -> str:
    """Format the findings: damage, else advice with the next command.

    Args:
        examination: What was found.
        gallery: Path of the gallery, for the commands that are advised.

    Example:
        >>> print(text(Examination(references=2, groups=1, small_groups={"a b": 2}), "my.gallery"))
        2 references of 1 group: intact.
        1 group of fewer than 3 references, too few to win a vote of five: 'a b' (2).
            Add more: likewise add my.gallery DATA
    """
    if examination.broken:
        return "\n".join(
            ["Damaged:", *(f"  {printable(sentence)}" for sentence in examination.broken)]
        )
    name = shlex.quote(gallery)
    parts = [
        _mislabels(examination, name),
        _duplicates(examination, name),
        _outliers(examination),
        _overlaps(examination, name),
        _small(examination, name),
    ]
    advice = [line for part in parts for line in part]
    held = size(examination.references, examination.groups, examination.unlabelled)
    head = f"{held}: intact"
    first = f"{head}." if advice else f"{head}, with nothing to improve."
    return "\n".join([first, *map(printable, advice)])


def _mislabels(examination: Examination, name: str) -> list[str]:
    if not examination.mislabels:
        return []
    lines = [
        f"  {finding.id} is labelled {finding.label!r}, but {finding.votes} of its nearest 5 are "
        f"{finding.suggested!r}, the nearest at {finding.distance:.4f}"
        for finding in examination.mislabels[:_SHOWN]
    ]
    return [
        _mislabelled(examination),
        *lines,
        *_more(examination.mislabels),
        f"  Look at one: likewise query {name} ID --pictures; remove it: likewise remove {name} ID",
    ]


def _mislabelled(examination: Examination) -> str:
    """Call references mislabelled only where the model mostly agrees with the labels."""
    held = counted(len(examination.mislabels), "reference")
    right = examination.nearest_right
    if right is None or right >= _MOSTLY:
        return f"{held} probably mislabelled:"
    return (
        f"{held} among those of another group. Only {100 * right:.0f} % of all have a nearest "
        "other of their own group: the model does not separate these groups (fit one: likewise "
        "train DATA --out MODEL), or many labels are wrong. The surest:"
    )


def _duplicates(examination: Examination, name: str) -> list[str]:
    if not examination.duplicates:
        return []
    lines = [f"  {', '.join(twins[:_SHOWN])}" for twins in examination.duplicates[:_SHOWN]]
    return [
        f"{counted(len(examination.duplicates), 'vector')} with several ids:",
        *lines,
        *_more(examination.duplicates),
        f"  Each copy has a vote. Remove all but one: likewise remove {name} ID",
    ]


def _outliers(examination: Examination) -> list[str]:
    if not examination.outliers:
        return []
    lines = [
        f"  {id}: the nearest other is at {distance:.4f}"
        for id, distance in examination.outliers[:_SHOWN]
    ]
    most = 2 * len(examination.outliers) > examination.references
    advice = (
        "  Those are most of them: the threshold misses more than it finds. Measure one for a "
        "higher rate, likewise calibrate, or fit a model to your pictures: likewise train DATA "
        "--out MODEL"
        if most
        else "  Check their labels; more pictures like them would help."
    )
    return [
        f"{counted(len(examination.outliers), 'reference')} with no other reference within the "
        f"threshold, {examination.threshold:.4f}:",
        *lines,
        *_more(examination.outliers),
        advice,
    ]


def _overlaps(examination: Examination, name: str) -> list[str]:
    if not examination.overlaps:
        return []
    lines = [
        f"  {100 * share:.1f} % of {a!r} have a {b!r} among them"
        for a, b, share in examination.overlaps[:_SHOWN]
    ]
    return [
        f"{counted(len(examination.overlaps), 'overlap')} of groups, counted among the nearest 5 "
        f"within the threshold, {examination.threshold:.4f}:",
        *lines,
        *_more(examination.overlaps),
        f"  A smaller threshold separates them: likewise calibrate {name} DATA --fpir 0.01",
    ]


def _small(examination: Examination, name: str) -> list[str]:
    if not examination.small_groups:
        return []
    shown = [
        f"{group!r} ({size})" for group, size in list(examination.small_groups.items())[:_SHOWN]
    ]
    more = ", ..." if len(examination.small_groups) > _SHOWN else ""
    return [
        f"{counted(len(examination.small_groups), 'group')} of fewer than 3 references, too few "
        f"to win a vote of five: {', '.join(shown)}{more}.",
        f"  Add more: likewise add {name} DATA",
    ]


def _more(items: Sequence[object]) -> list[str]:
    return [f"  ... and {len(items) - _SHOWN} more; --format json has all"] * (len(items) > _SHOWN)
