"""Decide again for references of a gallery, each by all others, at its default point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from index.decision import CheckOptions, Decision, RunnerUp, decide
from index.gallery import Gallery
from index.neighbours import Neighbours
from index.references.rows import Reference
from likewise.arrays import Floats

_WIDER = 4  # times as many neighbours, until one is of another group


def decisions_of(gallery: Gallery, ids: Sequence[str]) -> list[Decision]:
    """Decide for references as `check` does, but without each of them itself.

    Args:
        gallery: The gallery.
        ids: References of it, n.

    Returns:
        n decisions; none where there is no threshold, no group or no other reference.
    """
    if gallery.points.default is None or len(gallery) < 2 or not gallery.groups() or not ids:
        return []
    named = gallery.named(ids)
    references = [named[id] for id in ids]
    vectors = np.stack([reference.vector for reference in references])
    near = gallery.search_labelled(vectors, gallery.neighbours_of(CheckOptions().k + 1))
    itself = near.ids == np.array(ids, object)[:, None]
    order = np.argsort(itself, axis=1, kind="stable")[:, : near.ids.shape[1] - 1]
    others = Neighbours(
        np.take_along_axis(near.ids, order, 1),
        np.take_along_axis(near.labels, order, 1),
        np.take_along_axis(near.distances, order, 1),
    )
    rule = gallery.points.rule()
    if rule.min_margin is None:
        return decide(others, rule)
    return decide(others, rule, runners_up=_runners_up(gallery, references, vectors, others))


def _runners_up(
    gallery: Gallery, references: Sequence[Reference], vectors: Floats, near: Neighbours
) -> list[RunnerUp]:
    """The nearest other group of each reference whose neighbours are all of one group."""
    own = [reference.label for reference in references]
    names, _, groups = gallery.nearest_by_group(vectors, own)  # so without each of them itself
    found: list[RunnerUp] = []
    for row, labels in enumerate(near.labels.tolist()):
        column = int(groups.nearest[row])
        if len(set(labels)) != 1:
            found.append((None, None))
        elif labels[0] != own[row]:
            found.append(_beyond(gallery, references[row], labels[0]))
        else:
            found.append((names[column], float(groups.other[row])) if column >= 0 else (None, None))
    return found


def _beyond(gallery: Gallery, reference: Reference, label: str) -> RunnerUp:
    """The nearest of another group than `label` and than a reference itself."""
    k = CheckOptions().k
    while k < len(gallery):
        k = min(_WIDER * k, len(gallery))
        near = gallery.search_labelled(reference.vector[None], k)
        rows = zip(
            *(column[0].tolist() for column in (near.ids, near.labels, near.distances)), strict=True
        )
        for id, other, distance in rows:
            if id != reference.id and other != label:
                return other, distance
    return None, None
