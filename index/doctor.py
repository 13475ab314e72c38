"""Examine a gallery: is it whole, and do its references make sense?

What is broken makes answers wrong and must be mended. What is advised is for a person to look at:
references that stand twice, that probably carry the wrong label, that lie far from all others,
groups that reach into each other, groups with too few references.

Does not change anything.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from index.errors import GalleryError
from index.gallery import Gallery
from likewise.arrays import Floats, Strings

VOTERS = 5  # nearest references that a label is held against
FEWEST = 3  # with fewer, a group cannot win a vote of five
OVERLAPPING = 0.01  # share of a group that comes within the threshold of another
RECALL_QUERIES = 200
_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class Mislabel:
    """A reference whose nearest neighbour, and most of the nearest five, have another label.

    Attributes:
        id: Of the reference.
        label: That it carries.
        suggested: That most of its neighbours carry.
        votes: How many of the five nearest carry that.
        distance: To the nearest of those.
    """

    id: str
    label: str
    suggested: str
    votes: int
    distance: float


@dataclass(slots=True)
class Examination:
    """What was found.

    Attributes:
        references: How many were examined.
        groups: How many groups they make.
        threshold: Largest distance that is a match, which outliers and overlaps are held against.
        broken: What makes answers wrong, a sentence each; a whole gallery has none.
        search_recall: Share of true nearest neighbours that the search finds, in a sample.
        duplicates: Ids of references with one and the same vector, a list for each such vector.
        mislabels: Probable ones, the surest first.
        outliers: Ids and distances of references with no other within the threshold, farthest
            first.
        overlaps: Pairs of groups, with the share of the first one's references that have one of
            the second among their five nearest within the threshold; largest share first.
        small_groups: Groups of fewer than three references, with their sizes.
    """

    references: int = 0
    groups: int = 0
    threshold: float | None = None
    broken: list[str] = field(default_factory=list)
    search_recall: float | None = None
    duplicates: list[list[str]] = field(default_factory=list)
    mislabels: list[Mislabel] = field(default_factory=list)
    outliers: list[tuple[str, float]] = field(default_factory=list)
    overlaps: list[tuple[str, str, float]] = field(default_factory=list)
    small_groups: dict[str, int] = field(default_factory=dict)

    def described(self) -> dict[str, Any]:
        """Everything as plain JSON."""
        return asdict(self)


def examine(
    gallery: Gallery,
    *,
    threshold: float | None = None,
    progress: Callable[[int], object] = lambda done: None,
) -> Examination:
    """Examine a gallery; about one search of all its references among each other.

    Args:
        gallery: Left unchanged.
        threshold: That of the default operating point when None; without any, what needs one is
            left out.
        progress: Called with the number of further references that are examined.

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
    found = Examination()
    try:
        gallery.verify()
        ids, labels, vectors = gallery.stored()
    except GalleryError as error:
        found.broken.append(str(error))
        return found
    if threshold is None and gallery.points.default is not None:
        threshold = gallery.points.rule().limits.threshold
    found.references, found.threshold = len(ids), threshold
    sizes = Counter(labels.tolist())
    found.groups = len(sizes)
    found.small_groups = {name: size for name, size in sorted(sizes.items()) if size < FEWEST}
    if len(ids):
        _searched(gallery, found, ids, labels, vectors, progress)
    return found


def _searched(
    gallery: Gallery,
    found: Examination,
    ids: Strings,
    labels: Strings,
    vectors: Floats,
    progress: Callable[[int], object],
) -> None:
    """Search every reference among all, and read off whatever that tells."""
    alive = set(ids.tolist())
    close: Counter[tuple[str, str]] = Counter()
    lost, dead = [], set()
    for start in range(0, len(ids), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        near = gallery.search(vectors[rows], min(VOTERS + 1, len(ids)))
        dead |= set(near.ids.ravel().tolist()) - alive
        for id, label, others, groups, distances in zip(
            ids[rows].tolist(),
            labels[rows].tolist(),
            near.ids.tolist(),
            near.labels.tolist(),
            near.distances.tolist(),
            strict=True,
        ):
            if distances[0] != 0:
                lost.append(id)
            own = others.index(id) if id in others else len(others) - 1
            del groups[own], distances[own]
            _judge(found, close, id, label, groups, distances)
        progress(len(ids[rows]))
    _note_broken(found, lost, dead)
    found.mislabels.sort(key=lambda one: (-one.votes, one.distance, one.id))
    found.outliers.sort(key=lambda one: -one[1])
    found.duplicates = _twins(ids, vectors)
    found.overlaps = _overlaps(close, Counter(labels.tolist()))
    found.search_recall = _recall(gallery, ids, vectors)
    if found.search_recall < 1:
        found.broken.append(
            f"The search finds only {100 * found.search_recall:.2f} % of the true nearest "
            "neighbours: delete vectors.faiss, it is made again from the store."
        )


def _judge(
    found: Examination,
    close: Counter[tuple[str, str]],
    id: str,
    label: str,
    groups: list[str],
    distances: list[float],
) -> None:
    """Hold a reference against its nearest others, nearest first."""
    if not groups:
        return
    [(suggested, votes)] = Counter(groups).most_common(1)
    if groups[0] != label and suggested != label and 2 * votes > len(groups):
        distance = distances[groups.index(suggested)]
        found.mislabels.append(Mislabel(id, label, suggested, votes, distance))
    if found.threshold is None:
        return
    inside = [group for group, at in zip(groups, distances, strict=True) if at <= found.threshold]
    if not inside:
        found.outliers.append((id, distances[0]))
    close.update((label, other) for other in set(inside) - {label})


def _note_broken(found: Examination, lost: list[str], dead: set[str]) -> None:
    remedy = "delete vectors.faiss, it is made again from the store"
    if lost:
        found.broken.append(
            f"{len(lost)} references do not find themselves at distance 0, the first is "
            f"'{lost[0]}': {remedy}."
        )
    if dead:
        found.broken.append(
            f"{len(dead)} references are found that are not in the store any more, one is "
            f"'{min(dead)}': {remedy}."
        )


def _twins(ids: Strings, vectors: Floats) -> list[list[str]]:
    """Ids of equal vectors; an embedder gives equal pictures equal vectors."""
    same: defaultdict[bytes, list[str]] = defaultdict(list)
    for id, vector in zip(ids.tolist(), vectors + np.float32(0), strict=True):  # -0.0 is 0.0
        same[vector.tobytes()].append(id)
    return [twins for twins in same.values() if len(twins) > 1]


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
    near = gallery.search(vectors[sample], k).distances
    true = np.stack([_smallest(vectors, vectors[row], k) for row in sample])
    return float(np.mean(near <= true))


def _smallest(vectors: Floats, query: Floats, k: int) -> Floats:
    gaps = vectors.astype(np.float64) - query
    distances = np.sqrt(np.einsum("ij,ij->i", gaps, gaps))
    return np.sort(np.partition(distances, k - 1)[:k]).astype(np.float32)
