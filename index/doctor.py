"""Check a gallery for damage and for references that deserve a look.

Damage makes answers wrong and must be repaired. Advice is for a person to judge: duplicates,
probable mislabels, outliers, overlapping groups, groups with too few references. References without
a group are looked at for duplicates alone.

Does not change anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from index.errors import (
    BusyError,
    GalleryError,
    PartMissingError,
    ReplacedError,
    UnreachableError,
)
from index.examination import Examination, Mislabel
from index.gallery import Gallery
from index.neighbours import Neighbours
from index.search.equals import equal_rows
from index.search.kept_bounds import is_damaged
from index.search.setting import BOUNDS
from index.search.verification import least_distances
from likewise.arrays import Floats, Strings

VOTERS = 5  # nearest references that a label is compared with
FEWEST = 3  # with fewer, a group cannot win a vote of five
OVERLAPPING = 0.01  # share of a group that is within the threshold of another
RECALL_QUERIES = 200
_AT_ONCE = 2048
_NO_DAMAGE = (BusyError, PartMissingError, ReplacedError, UnreachableError)


@dataclass(slots=True)
class _Tally:
    """Counts over all references.

    Attributes:
        sizes: References of each group.
        close: Number of the references of a group that have one of another near by, by both names.
        mated: References that are not alone in their group.
        right: Mated references whose nearest other is of their group.
    """

    sizes: Counter[str]
    close: Counter[tuple[str, str]] = field(default_factory=Counter)
    mated: int = 0
    right: int = 0


def examine(
    gallery: Gallery,
    *,
    threshold: float | None = None,
    progress: Callable[[int], object] = lambda done: None,
) -> Examination:
    """Examine a gallery, at about the cost of searching all references among each other.

    It is examined as of one moment, whatever others change meanwhile.

    Args:
        gallery: Left unchanged.
        threshold: Largest matching distance; None takes the default operating point's, and skips
            outliers and overlaps if there is none.
        progress: Called with the number of references examined since the last call.

    Raises:
        GalleryError: If it cannot be examined now, which is no damage: another process keeps
            changing it, it was replaced, or its database or a part of it is away.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> folder = tempfile.TemporaryDirectory()
        >>> with Gallery.create(Path(folder.name, "pets"), dim=2, fingerprint="3f9a1c") as gallery:
        ...     corners = np.array([[0, 0], [0, 1], [0, 0]], dtype=np.float32)
        ...     gallery.add(["a", "b", "c"], corners, ["cat", "cat", "dog"])
        ...     found = examine(gallery, threshold=0.5)
        >>> found.duplicates, found.small_groups, found.broken
        ([['a', 'c']], {'cat': 2, 'dog': 1}, [])
        >>> folder.cleanup()
    """
    examination = Examination()
    try:
        with gallery.snapshot():
            _examine(gallery, examination, threshold, progress)
    except _NO_DAMAGE:
        raise
    except GalleryError as error:
        examination.broken.append(str(error))
    return examination


def _examine(
    gallery: Gallery,
    examination: Examination,
    threshold: float | None,
    progress: Callable[[int], object],
) -> None:
    """Collect findings within a snapshot; what is raised of damage is one."""
    gallery.verify()
    ids, labels, vectors = gallery.stored()
    if is_damaged(gallery.path):
        examination.broken.append(
            f"'{gallery.path / BOUNDS}' is damaged: delete it, answers are the same without it; it "
            "is made again with the next change of many references."
        )
    if threshold is None and gallery.points.default is not None:
        threshold = gallery.points.rule().limits.threshold
    examination.references, examination.threshold = len(ids), threshold
    sizes = Counter(filter(None, labels.tolist()))
    examination.groups, examination.unlabelled = len(sizes), len(ids) - sizes.total()
    examination.small_groups = {name: size for name, size in sorted(sizes.items()) if size < FEWEST}
    if len(ids):
        _searched(gallery, examination, ids, labels, vectors, progress)


def _searched(
    gallery: Gallery,
    examination: Examination,
    ids: Strings,
    labels: Strings,
    vectors: Floats,
    progress: Callable[[int], object],
) -> None:
    """Search every reference among all others and collect findings."""
    alive = set(ids.tolist())
    tally = _Tally(Counter(filter(None, labels.tolist())))
    lost: list[str] = []
    dead: set[str] = set()
    k = min(VOTERS + 1, len(ids))
    for start in range(0, len(ids), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        near = gallery.search(vectors[rows], k, exact=True)
        dead |= set(near.ids.ravel().tolist()) - alive
        lost += _lost(ids[rows], labels[rows], near)
        if examination.groups:
            voters = near
            if not near.labels.astype(bool).all():
                voters = gallery.search_labelled(vectors[rows], k, exact=True)
            _judge_all(examination, tally, ids[rows], labels[rows], voters)
        progress(len(ids[rows]))
    _note_broken(examination, lost, dead)
    examination.mislabels.sort(
        key=lambda mislabel: (-mislabel.votes, mislabel.distance, mislabel.id)
    )
    examination.outliers.sort(key=lambda outlier: -outlier[1])
    examination.duplicates = _twins(ids, vectors)
    examination.overlaps = _overlaps(tally.close, tally.sizes)
    examination.nearest_right = tally.right / tally.mated if tally.mated else None
    examination.search_recall = _recall(gallery, ids, vectors)
    if examination.search_recall < 1:
        examination.broken.append(
            f"The search finds only {100 * examination.search_recall:.2f} % of the true nearest "
            "neighbours: delete vectors.faiss, it is made again from the store."
        )


def _lost(ids: Strings, labels: Strings, near: Neighbours) -> list[str]:
    """Ids of references that are not found at distance 0 under their label."""
    columns = (ids, labels, near.ids, near.labels, near.distances)
    lost = []
    for id, label, others, groups, distances in zip(*map(np.ndarray.tolist, columns), strict=True):
        own = _own(id, others)
        if distances[own] != 0 or (id in others and groups[own] != label):
            lost.append(id)
    return lost


def _own(id: str, others: list[str]) -> int:
    """Position of a reference among its nearest; the last, if very many equal vectors hide it."""
    return others.index(id) if id in others else len(others) - 1


def _judge_all(
    examination: Examination,
    tally: _Tally,
    ids: Strings,
    labels: Strings,
    near: Neighbours,
) -> None:
    """Compare references with their nearest others; those without a group are passed over."""
    columns = (ids, labels, near.ids, near.labels, near.distances)
    for id, label, others, groups, distances in zip(*map(np.ndarray.tolist, columns), strict=True):
        if label is not None:
            own = _own(id, others)
            del groups[own], distances[own]
            if tally.sizes[label] > 1:
                tally.mated += 1
                tally.right += groups[0] == label
            _judge(examination, tally.close, id, label, groups, distances)


def _judge(
    examination: Examination,
    close: Counter[tuple[str, str]],
    id: str,
    label: str,
    groups: list[str],
    distances: list[float],
) -> None:
    """Compare a reference with its nearest others, nearest first."""
    if not groups:
        return
    [(suggested, votes)] = Counter(groups).most_common(1)
    if groups[0] != label and suggested != label and 2 * votes > len(groups):
        distance = distances[groups.index(suggested)]
        examination.mislabels.append(Mislabel(id, label, suggested, votes, distance))
    if examination.threshold is None:
        return
    inside = [
        group
        for group, distance in zip(groups, distances, strict=True)
        if distance <= examination.threshold
    ]
    if not inside:
        examination.outliers.append((id, distances[0]))
    close.update((label, other) for other in set(inside) - {label})


def _note_broken(examination: Examination, lost: list[str], dead: set[str]) -> None:
    remedy = "delete vectors.faiss, it is made again from the store"
    if lost:
        examination.broken.append(
            f"{len(lost)} references do not find themselves at distance 0 under their label, the "
            f"first is '{lost[0]}': {remedy}."
        )
    if dead:
        examination.broken.append(
            f"{len(dead)} references are found that are not in the store any more, one is "
            f"'{min(dead)}': {remedy}."
        )


def _twins(ids: Strings, vectors: Floats) -> list[list[str]]:
    """Ids of equal vectors; an embedder gives equal pictures equal vectors."""
    _, same = equal_rows(vectors)
    rows = np.argsort(same, kind="stable")
    edges = np.flatnonzero(np.diff(same[rows])) + 1
    return [ids[twins].tolist() for twins in np.split(rows, edges) if len(twins) > 1]


def _overlaps(close: Counter[tuple[str, str]], sizes: Counter[str]) -> list[tuple[str, str, float]]:
    shares = [(a, b, count / sizes[a]) for (a, b), count in close.items()]
    return sorted(
        (pair for pair in shares if pair[2] >= OVERLAPPING),
        key=lambda pair: (-pair[2], pair[0], pair[1]),
    )


def _recall(gallery: Gallery, ids: Strings, vectors: Floats) -> float:
    """Compare a sample of searches with the definition, in float64; ties count as found."""
    sample = np.unique(np.linspace(0, len(ids) - 1, RECALL_QUERIES).astype(int))
    k = min(VOTERS, len(ids))
    near = gallery.search(vectors[sample], k, exact=True).distances
    return float(np.mean(near <= least_distances(vectors, sample, k)))
