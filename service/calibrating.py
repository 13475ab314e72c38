"""Calibrate a gallery: pictures in, a threshold for a wanted error rate stored in it.

    records ─embed_stream─▶ vectors ─Gallery.nearest_by_group─▶ distances ─calibration─▶ point

Each labelled picture is asked twice by one search: with its own group, which is to be found, and
with its own group left out, when nothing is. Pictures of unknown groups are asked as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.records import Record
from index.calibration import (
    Cost,
    Mated,
    NonMated,
    counts_behind,
    largest_threshold,
    limits_by_group,
    measured_at,
    require_support,
    threshold_for_cost,
    threshold_for_fpir,
)
from index.errors import CalibrationError
from index.gallery import Gallery
from index.grouping import set_apart
from index.impostors import Impostors
from index.operating import Limits
from service.bulk import embed_stream
from service.errors import UnlabelledError
from service.matcher import Matcher

LEFT_OUT, GIVEN = "own group left out", "given as unknown"
_OWN_AT_ONCE = 8192
_OPTIMISTIC = (
    "the gallery's own references, each searched among all others: optimistic for images like "
    "those that the embedder was trained on"
)

_MATCHED = "FPIR {share}: {false} of {queries} unknowns were matched (95 %: {low} to {high})."
_RATES = {
    "fpir": _MATCHED,
    "cost": _MATCHED,
    "fmr": "FMR {share}: {false} of {queries} pairs of two groups matched (95 %: {low} to {high}).",
}

Floats = npt.NDArray[np.float32]
Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Calibration:
    """A stored operating point, and what it was not measured with.

    Attributes:
        name: Of the point, which is the gallery's default now.
        point: What was stored.
        in_gallery: Pictures that were passed over as they are references: they would find
            themselves.
        unreadable: Id and reason of each picture that could not be read.
    """

    name: str
    point: dict[str, Any]
    in_gallery: int
    unreadable: list[tuple[str, str]]

    def sentences(self) -> list[str]:
        """Say what came out, a line each."""
        point = self.point
        lines = [
            f"{self.name}: matches within {point['threshold']:.4f}; measured on "
            f"{point['measured_on']}.",
            _RATES[point["rate"]].format(
                **point,
                share=_rate(point["measured"]),
                low=_rate(point["interval"][0]),
                high=_rate(point["interval"][1]),
            ),
        ]
        if point["rate"] == "fmr":
            lines.append(
                f"FPIR {_rate(point['fpir'])}: unknowns that a search of the whole gallery would "
                "match at this threshold. For `check`, calibrate by FPIR."
            )
        if point["rate"] != "fmr" and len(point["unknown"]) > 1:
            lines.append(
                "By kind: "
                + ", ".join(
                    f"{kind['false']} of {kind['queries']} {name}"
                    for name, kind in point["unknown"].items()
                )
                + "."
            )
        if point["mated"]:
            lines.append(
                f"FNIR {_rate(point['fnir'])}: {point['missed']} of {point['mated']} knowns missed "
                "their group."
            )
        if "group_thresholds" in point:
            lines.append(f"{len(point['group_thresholds'])} groups have thresholds of their own.")
        if self.in_gallery:
            lines.append(f"Passed over as they are in the gallery: {self.in_gallery} pictures.")
        return lines


def calibrate(
    matcher: Matcher,
    data: Iterable[Record] | None = None,
    unknown: Iterable[Record] | None = None,
    *,
    fpir: float | None = None,
    fmr: float | None = None,
    cost: Cost | None = None,
    per_group: bool = False,
    min_margin: float | None = None,
    name: str | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Measure a threshold for a wanted error rate, and store it as the gallery's default.

    Args:
        matcher: Embedder and gallery.
        data: Labelled pictures that are not in the gallery. Those of the gallery's groups are
            asked with their group and, as unknowns, without it; those of other groups as unknowns.
            With neither `data` nor `unknown`, the references themselves, each among all others.
        unknown: Pictures of none of the gallery's groups.
        fpir: Wanted share of unknowns that are matched, at most.
        fmr: In its place, the wanted share of pairs of two groups within the threshold.
        cost: In its place, what errors cost.
        per_group: Give groups to which enough unknowns come nearest their own thresholds.
        min_margin: Stored with the point; the rates are measured without it, as it can only turn
            matches into `ambiguous`.
        name: Of the point; by default it says what was wanted, such as `fpir-0.01`.
        progress: Called with the number of further pictures that are done.

    Raises:
        CalibrationError: If there are too few pictures for what is wanted; nothing is stored.
        UnlabelledError: If a picture of `data` has no label, or one of `unknown` a known one.
        ValueError: If a rate is out of range, or not just one of `fpir`, `fmr` and `cost` given.
        GalleryError: If the gallery cannot be read or changed.

    Example:
        >>> import tempfile
        >>> from itertools import islice
        >>> from embedder.datasets import records
        >>> from embedder.model import Embedder
        >>> with Matcher.create(f"{tempfile.mkdtemp()}/digits.gallery", Embedder.load()) as matcher:
        ...     report = matcher.add(islice(records("mnist/train"), 500))
        ...     calibration = calibrate(matcher, islice(records("mnist/test"), 400), fpir=0.01)
        >>> calibration.name, calibration.point["queries"], calibration.point["measured"] <= 0.01
        ('fpir-0.01', 400, True)
    """
    if [fpir, fmr, cost].count(None) != 2:
        raise ValueError(
            f"Give a wanted FPIR, FMR or costs, one of them. Received: {fpir}, {fmr}, {cost}."
        )
    if per_group and fpir is None:
        raise ValueError("Thresholds by group need a wanted FPIR.")
    gallery = matcher.gallery
    matcher.neighbours_of(1)  # an empty gallery is refused here
    size, generation = len(gallery), gallery.generation
    searched = _Searched(gallery, progress or (lambda done: None))
    if fmr is not None:
        _, labels, vectors = gallery.references()
        searched.pairs = Impostors(labels.tolist(), vectors)
    if data is None and unknown is None:
        searched.own_references()
    if data is not None:
        searched.data(matcher, data)
    if unknown is not None:
        searched.unknown(matcher, unknown)
    searched.require_unknowns()
    if fpir is not None:
        point = _for_fpir(searched, fpir, per_group)
    elif fmr is not None:
        point = _for_fmr(searched, fmr)
    else:
        assert cost is not None
        point = _for_cost(searched, cost)
    point |= {
        "gallery_size": size,
        "generation": generation,
        "measured_on": searched.measured_on,
        **({} if min_margin is None else {"min_margin": _margin(min_margin)}),
    }
    if name is None:
        name = point["rate"] + ("" if cost else f"-{point['target']:g}")
    gallery.store_point(name, point, unknown=searched.pool.distances, contents=searched.contents)
    return Calibration(name, point, searched.in_gallery, searched.unreadable)


def wanted_cost(
    false_match: float | None, miss: float | None, share_unknown: float | None
) -> Cost | None:
    """Put the three numbers of a cost together; None where none is given.

    Raises:
        ValueError: If only some are given, or one is out of range.

    Example:
        >>> wanted_cost(10, 1, 0.2)
        Cost(false_match=10, miss=1, share_unknown=0.2)
    """
    if false_match is None and miss is None and share_unknown is None:
        return None
    if false_match is None or miss is None or share_unknown is None:
        raise ValueError(
            "A threshold by cost needs three numbers: the cost of a false match, the cost of a "
            f"miss, and the share of unknowns. Received: {false_match}, {miss}, {share_unknown}."
        )
    return Cost(false_match, miss, share_unknown)


@dataclass(slots=True)
class _Searched:
    """Queries as they come in, part by part, until a threshold is chosen."""

    gallery: Gallery
    progress: Progress
    own: list[Floats] = field(default_factory=list)
    other: list[Floats] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    strangers: dict[str, list[NonMated]] = field(default_factory=lambda: {LEFT_OUT: [], GIVEN: []})
    in_gallery: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    pictures: int = 0
    contents: list[bytes] = field(default_factory=list)
    measured_on: str = ""
    pairs: Impostors | None = None  # only where an FMR is wanted

    @property
    def mated(self) -> Mated:
        none = [np.empty(0, np.float32)]
        return Mated(
            np.concatenate(self.own or none), np.concatenate(self.other or none), self.labels
        )

    @property
    def kinds(self) -> dict[str, NonMated]:
        return {name: NonMated.pooled(parts) for name, parts in self.strangers.items()}

    @property
    def pool(self) -> NonMated:
        return NonMated.pooled(list(self.kinds.values()))

    def require_unknowns(self) -> None:
        """Refuse to go on with nothing that should not match."""
        if len(self.pool):
            return
        if self.in_gallery and not self.pictures:
            raise CalibrationError(
                f"All {self.in_gallery} readable pictures are in the gallery and would find "
                "themselves: give others, or none to ask the references among each other."
            )
        if self.unreadable and not self.pictures:
            raise CalibrationError(f"No picture could be read: {': '.join(self.unreadable[0])}.")
        if not self.pictures and self.measured_on != _OPTIMISTIC:
            raise CalibrationError("No picture came: the input is empty.")
        raise CalibrationError(
            "No query of an unknown group came: with its own group left out, nothing is left of a "
            "gallery of one group. Give pictures of unknown groups."
        )

    def data(self, matcher: Matcher, records: Iterable[Record]) -> None:
        """Ask labelled pictures."""
        for some, vectors in self._embedded(matcher, records):
            for record in some:
                if record.label is None:
                    raise UnlabelledError(
                        f"{record.id} has no label, and calibration compares answers with labels. "
                        "Pictures of unknown groups go to --unknown."
                    )
            self._ask([str(record.label) for record in some], vectors)
        self._tell()

    def unknown(self, matcher: Matcher, records: Iterable[Record]) -> None:
        """Ask pictures of no known group."""
        known = self.gallery.labels
        for some, vectors in self._embedded(matcher, records):
            for record in some:
                if record.label in known:
                    raise UnlabelledError(
                        f"{record.id} is of group {record.label!r}, which the gallery has, so it "
                        "is no unknown. Give it as labelled data, or leave it out."
                    )
            self._ask([None] * len(some), vectors)
        self._tell()

    def own_references(self) -> None:
        """Ask each reference among all others."""
        ids, labels, vectors = self.gallery.references()
        for start in range(0, len(ids), _OWN_AT_ONCE):
            some = slice(start, start + _OWN_AT_ONCE)
            self._ask(labels[some].tolist(), vectors[some], skip=ids[some].tolist())
            self.progress(len(ids[some]))
        self.measured_on = _OPTIMISTIC

    def _embedded(
        self, matcher: Matcher, records: Iterable[Record]
    ) -> Iterator[tuple[list[Record], Floats]]:
        """Records and vectors of the pictures that can be read and are no references."""
        with closing(embed_stream(matcher.embedder, records, hashed=True)) as parts:
            for part, vectors in parts:
                self.unreadable += [
                    (part.records[place].id, reason) for place, reason in part.reasons.items()
                ]
                known = self.gallery.vectors_of(part.contents)
                new = [place for place, content in enumerate(part.contents) if content not in known]
                readable = part.readable
                self.in_gallery += len(readable) - len(new)
                self.pictures += len(new)
                self.contents += [part.contents[place] for place in new]
                if new:
                    yield [readable[place] for place in new], vectors[new]
                self.progress(len(part.records))

    def _ask(
        self, labels: list[str | None], vectors: Floats, skip: list[str] | None = None
    ) -> None:
        """Search; a query without a label, or of a group that is not there, is an unknown."""
        if self.pairs is not None:
            self.pairs.add(labels, vectors)
        names, distances = self.gallery.nearest_by_group(vectors, skip=skip)
        columns: dict[str | None, int] = {name: column for column, name in enumerate(names)}
        column = np.array([columns.get(label, -1) for label in labels])
        known = np.flatnonzero(column >= 0)
        own, others = set_apart(distances[known], column[known])
        self._take(GIVEN, names, distances[column < 0])
        self._take(LEFT_OUT, names, others)
        found = np.isfinite(own)  # a reference that is alone in its group has no mate
        self.own.append(own[found])
        self.other.append(others.min(axis=1, initial=np.inf)[found])
        self.labels += [str(labels[place]) for place in known[found].tolist()]

    def _take(self, kind: str, names: list[str], distances: Floats) -> None:
        """Note the nearest group of each unknown; of a gallery of one group nothing may be left."""
        nearest = distances.argmin(axis=1)
        least = distances[np.arange(len(distances)), nearest]
        left = np.flatnonzero(np.isfinite(least))
        labels = [names[place] for place in nearest[left].tolist()]
        self.strangers[kind].append(NonMated(least[left], labels))

    def _tell(self) -> None:
        self.measured_on = f"{self.pictures} pictures that are not in the gallery"


def _for_fpir(searched: _Searched, target: float, per_group: bool) -> dict[str, Any]:
    kinds = searched.kinds
    limits = Limits(threshold_for_fpir(list(kinds.values()), target))
    if per_group:
        limits = limits_by_group(searched.pool, target, limits.threshold)
    groups = {"group_thresholds": dict(limits.groups)} if limits.groups else {}
    return _point("fpir", target, limits, searched) | groups


def _for_fmr(searched: _Searched, target: float) -> dict[str, Any]:
    """The rate is that of pairs; FPIR and FNIR of a search at the same threshold stay beside it."""
    assert searched.pairs is not None
    distances = searched.pairs.distances
    require_support("an FMR", target, len(distances), "pairs of two groups")
    limits = Limits(largest_threshold(distances, target))
    false = int((distances.astype(np.float64) <= limits.threshold).sum())
    counted = counts_behind(false, len(distances))
    counted["interval"] = list(searched.pairs.interval(limits.threshold))
    return _point("fmr", target, limits, searched) | counted


def _for_cost(searched: _Searched, cost: Cost) -> dict[str, Any]:
    limits = Limits(threshold_for_cost(searched.mated, searched.pool, cost))
    point = _point("cost", None, limits, searched)
    return point | {
        "cost_false_match": cost.false_match,
        "cost_miss": cost.miss,
        "share_unknown": cost.share_unknown,
        "expected_cost": float(cost.expected(point["fpir"], point["fnir"])),
    }


def _point(rate: str, target: float | None, limits: Limits, searched: _Searched) -> dict[str, Any]:
    measured = measured_at(limits, searched.mated, searched.kinds)
    return {"threshold": limits.threshold, "rate": rate, "target": target, **measured}


def _margin(value: float) -> float:
    if not 0 <= value < np.inf:
        raise ValueError(f"`min_margin` must be a finite number >= 0. Received: {value!r}.")
    return float(value)


def _rate(value: float) -> str:
    return f"{100 * value:.3g} %"
