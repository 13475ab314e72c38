"""What the figures mean in a sentence, and the pairs of groups that are confused most."""

from __future__ import annotations

from typing import NamedTuple

from likewise.evaluation.identification import Confusion, IdentificationFigures

_SHOWN = 15  # pairs of groups


class Confused(NamedTuple):
    """Pictures of one group that were matched with another.

    Attributes:
        group: The group of the pictures.
        answer: The group that they were matched with.
        pictures: Number of such pictures.
        share: Their share of the group's pictures.
    """

    group: str
    answer: str
    pictures: int
    share: float


def in_words(figures: IdentificationFigures) -> str:
    """Describe what happened to known and to unknown pictures at the threshold.

    Args:
        figures: Figures of searches.
    """
    missed, wrong = figures.fnir.events or 0, figures.wrong_group.events or 0
    known = figures.fnir.trials or 0
    words = (
        f"Of {known} pictures of known groups, {_are(known - missed)} matched to the right group, "
        f"{_are(missed - wrong)} matched to none, {wrong} to a wrong one"
    )
    if figures.fpir is None:
        return f"{words}."
    return (
        f"{words}; of {figures.fpir.trials} unknown ones, {_are(figures.fpir.events or 0)} matched."
    )


def worst_confusions(confusion: Confusion) -> list[Confused]:
    """List the pairs of groups that are confused most, the most pictures first.

    Example:
        >>> worst_confusions(Confusion(["a", "b", None], [[6, 2, 0], [0, 3, 1], [0, 0, 0]]))
        [Confused(group='a', answer='b', pictures=2, share=0.25)]
    """
    pairs = [
        Confused(group, answer, count, count / sum(counts))
        for group, counts in zip(confusion.names, confusion.counts, strict=True)
        for answer, count in zip(confusion.names, counts, strict=True)
        if count and group is not None and answer is not None and answer != group
    ]
    return sorted(pairs, key=lambda pair: (-pair.pictures, -pair.share, pair.group))[:_SHOWN]


def _are(count: int) -> str:
    return f"{count} {'is' if count == 1 else 'are'}"
