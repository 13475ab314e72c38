"""Typed figures of an evaluation; `to_json` writes them for `report.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from likewise.evaluation.estimates import Estimate, Named
from likewise.evaluation.groups import GroupFigures, Miss
from likewise.evaluation.identification import IdentificationFigures
from likewise.evaluation.open_set import OpenSetFigures
from likewise.evaluation.overlap import Overlap
from likewise.evaluation.retrieval import RetrievalFigures
from likewise.evaluation.verification import VerificationFigures
from likewise.queries import GIVEN, LEFT_OUT


@dataclass(frozen=True, slots=True)
class GallerySize:
    """The gallery that was searched.

    Attributes:
        path: Name of its directory.
        references: How many it has.
        groups: How many they belong to.
        model: Fingerprint of the embedder.
    """

    path: str
    references: int
    groups: int
    model: str


@dataclass(frozen=True, slots=True)
class JudgedPoint:
    """The operating point that was judged.

    Attributes:
        name: Name of the point.
        threshold: Largest distance that is a match.
        rate: The rate that its calibration limited: `fpir`, `fmr` or `cost`; None for a model's.
        target: Largest value of that rate; None for `cost`, or a model's.
        group_thresholds: How many groups have thresholds of their own.
        min_margin: Least margin to the runner-up, which is not applied here; None without.
        outdated: How the gallery has changed since the calibration, in a sentence; else None.
    """

    name: str
    threshold: float
    rate: str | None
    target: float | None
    group_thresholds: int
    min_margin: float | None
    outdated: str | None


@dataclass(frozen=True, slots=True)
class QueryCounts:
    """How many pictures were searched, and in which ways.

    Attributes:
        pictures: All that could be read.
        mated: Number whose group is in the gallery.
        left_out: The same once more, with their own group left out.
        strangers: Number of other groups, or passed as unknown.
        unreadable: Number of unreadable pictures.
    """

    pictures: int
    mated: int
    left_out: int
    strangers: int
    unreadable: int

    def to_json(self) -> dict[str, int]:
        """The counts under the names of `report.json`."""
        return {
            "pictures": self.pictures,
            "mated": self.mated,
            LEFT_OUT: self.left_out,
            GIVEN: self.strangers,
            "unreadable": self.unreadable,
        }


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of an evaluation.

    Attributes:
        gallery: The gallery that was searched.
        operating_point: The operating point that was judged.
        queries: How many pictures were searched.
        overlap: How many of them were seen before.
        cross_validated: Whether they are references, each searched among those of other folds.
        seed: Seed of all sampling.
        verification: One to one; None where the pictures make no pairs.
        identification: One to many.
        unknown_groups: Knowns told from unknowns, by kind of these.
        retrieval: Ranked references.
        groups: Group by group, in order.
        unreadable: Id and reason of each picture that could not be read.
        missed: The mated queries that were missed, the nearest to a wrong group first.
        passed_over: Sentences about pictures passed over, and what limits the figures.
    """

    gallery: GallerySize
    operating_point: JudgedPoint
    queries: QueryCounts
    overlap: Overlap
    cross_validated: bool
    seed: int
    verification: VerificationFigures | None
    identification: IdentificationFigures
    unknown_groups: Mapping[str, OpenSetFigures]
    retrieval: RetrievalFigures
    groups: list[GroupFigures]
    unreadable: list[tuple[str, str]]
    missed: list[Miss]
    passed_over: list[str]

    def to_json(self) -> dict[str, Any]:
        """The figures as they stand in `report.json`."""
        confusion = {"confusion": asdict(self.identification.confusion)}
        return {
            "gallery": asdict(self.gallery),
            "operating_point": asdict(self.operating_point),
            "queries": self.queries.to_json(),
            "overlap": asdict(self.overlap),
            "cross_validated": self.cross_validated,
            "seed": self.seed,
            "verification": self.verification and _json(self.verification.named()),
            "identification": _json(self.identification.named()) | confusion,
            "unknown_groups": {
                kind: _json(figures.named()) for kind, figures in self.unknown_groups.items()
            },
            "retrieval": _json(self.retrieval.named()),
            "groups": [group.to_json() for group in self.groups],
            "unreadable": dict(self.unreadable),
            "missed": [miss.to_json() for miss in self.missed],
            "passed_over": self.passed_over,
        }


def _json(figures: Named) -> dict[str, Any]:
    return {
        name: figure.to_json() if isinstance(figure, Estimate) else figure
        for name, figure in figures.items()
    }
