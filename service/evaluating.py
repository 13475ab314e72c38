"""Evaluate a gallery on labelled pictures that it has not seen: every figure, with its interval.

    records ─embed_stream─▶ vectors ─Gallery.nearest_by_group─▶ distances ─evaluation─▶ figures

Does not write files and does not draw (`report`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.bundled import is_bundled
from embedder.datasets import load
from embedder.pairs import Groups
from embedder.records import Record
from embedder.splits import content_hash
from index.calibration import Mated
from index.evaluation import (
    Curve,
    auroc,
    auroc_error,
    confusion,
    det_curve,
    equal_error_rate,
    fnir_at_fpir,
    fnmr_at_fmr,
    identification_curve,
    map_at_r,
    oscr,
    pair_accuracy,
    precision_at_1,
    r_precision,
    rank_rate,
    ranks,
    recall_at_k,
)
from index.grouping import set_apart
from index.intervals import clopper_pearson
from service.bulk import embed_stream
from service.errors import OverlapError, UnlabelledError
from service.matcher import Matcher

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
Distances = npt.NDArray[np.floating]
Figure = dict[str, Any]

FMRS = (0.01, 0.001, 0.0001)
FPIRS = (0.01, 0.001)
RANKS, RECALLS = (1, 5), (1, 5, 10)
PAIRS = 50_000  # of each kind and seed
RETRIEVAL_QUERIES = 500
TUTORIAL_THRESHOLD = 0.5
RESAMPLES = 100  # of the bootstrap by query
_NAMED = 5  # overlapping pictures that an error names
_AT_ONCE = 100
_NORMAL = 1.959964  # 97.5 % of a normal distribution lies below it


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What was measured, and what is needed to draw it.

    Attributes:
        figures: All figures, as they stand in `report.json`.
        records: The n pictures that were asked, data first, then those given as unknown.
        vectors: Their embeddings, `(n, dim)`.
        same: Distances of the same pairs of the first seed.
        different: Distances of its different pairs.
        det: FMR and FNMR over the threshold.
        identification: FPIR and FNIR over the threshold.
        wrong: Rows of the mated queries that were missed, the nearest wrong group first.
    """

    figures: Figure
    records: list[Record]
    vectors: Floats
    same: Distances
    different: Distances
    det: Curve
    identification: Curve
    wrong: list[int]


def evaluate(
    matcher: Matcher,
    data: Iterable[Record],
    unknown: Iterable[Record] | None = None,
    *,
    at: str | None = None,
    seed: int = 0,
    seeds: int = 5,
    allow_overlap: bool = False,
    progress: Callable[[int], object] = lambda done: None,
) -> Evaluation:
    """Measure how well a gallery answers for pictures that it has not seen.

    Args:
        matcher: Embedder and gallery.
        data: Labelled pictures. Those of the gallery's groups are mated queries and, with their
            own group left out, non-mated ones; those of other groups are non-mated.
        unknown: Further pictures of none of the gallery's groups.
        at: Operating point to judge; the default one when None.
        seed: Of all sampling; with it the report is the same each time.
        seeds: How often pairs are drawn.
        allow_overlap: Measure even where pictures are references, were trained on, or chose the
            threshold.
        progress: Called with the number of further pictures that are done.

    Raises:
        OverlapError: If a picture is a reference, was trained on, or was calibrated with, unless
            that is allowed.
        UnlabelledError: If a picture of `data` has no label, or one of `unknown` a known one.
        ValueError: If too few pictures came to measure anything.
        GalleryError: If the gallery cannot be read or has no such operating point.
    """
    matcher.neighbours_of(1)  # an empty gallery is refused here
    asked = _Asked(matcher)
    asked.take(data, progress, labelled=True)
    asked.take(unknown or [], progress, labelled=False)
    overlap = asked.overlap(at, allow_overlap)
    return _Measuring(matcher, asked, at, seed, seeds).evaluation(overlap)


class _Asked:
    """The pictures, embedded, with what is known of them."""

    def __init__(self, matcher: Matcher) -> None:
        self.matcher = matcher
        self.records: list[Record] = []
        self.contents: list[bytes] = []
        self.unreadable: list[tuple[str, str]] = []
        self._vectors: list[Floats] = []
        _, self.reference_labels, self.references = matcher.gallery.references()
        self._known = set(self.reference_labels.tolist())

    @property
    def vectors(self) -> Floats:
        return np.concatenate(self._vectors or [np.empty((0, self.matcher.gallery.dim), "f4")])

    def take(
        self, records: Iterable[Record], progress: Callable[[int], object], *, labelled: bool
    ) -> None:
        with closing(embed_stream(self.matcher.embedder, records, hashed=True)) as parts:
            for part, vectors in parts:
                self.unreadable += [(part.records[at].id, why) for at, why in part.reasons.items()]
                for record in part.readable:
                    self._check(record, labelled)
                self.records += part.readable if labelled else map(_unlabelled, part.readable)
                self.contents += part.contents
                self._vectors.append(vectors)
                progress(len(part.records))

    def _check(self, record: Record, labelled: bool) -> None:
        if labelled and record.label is None:
            raise UnlabelledError(
                f"{record.id} has no label, and evaluation compares answers with labels. Pictures "
                "of unknown groups go to --unknown."
            )
        if not labelled and record.label in self._known:
            raise UnlabelledError(
                f"{record.id} is of group {record.label!r}, which the gallery has, so it is no "
                "unknown. Give it as labelled data, or leave it out."
            )

    def overlap(self, at: str | None, allowed: bool) -> Figure:
        """Count the pictures that were seen before, by gallery, embedder or calibration.

        Training pictures are not kept with a model. Of the bundled digits they are known.
        """
        gallery = self.matcher.gallery
        training = _training_contents(self.matcher.embedder.metadata)
        seen: dict[str, tuple[str, Collection[bytes]]] = {
            "references": ("references of the gallery", gallery.vectors_of(self.contents)),
            "training": ("training pictures of the embedder", training or ()),
            "calibration": (
                f"pictures that chose the threshold {gallery.point(at)[0]!r}",
                gallery.calibrated_on(at),
            ),
        }
        found: Figure = {"allowed": allowed}
        for name, (what, contents) in seen.items():
            hits = [content in contents for content in self.contents]
            found[name] = sum(hits)
            if any(hits) and not allowed:
                ids = [record.id for record in compress(self.records, hits)]
                raise OverlapError(
                    f"Expected pictures that were not seen before, but {len(ids)} of "
                    f"{len(self.records)} are {what}: {', '.join(ids[:_NAMED])}"
                    f"{', ...' * (len(ids) > _NAMED)}. Leave them out, or give --allow-overlap."
                )
        if training is None:
            found["training"] = None  # nobody knows
        return found


def _unlabelled(record: Record) -> Record:
    return Record(record.id, None, record.image, record.metadata)


def _training_contents(metadata: dict[str, Any]) -> set[bytes] | None:
    """Content hashes of the pictures that a model was trained on, or None if nobody knows."""
    data = metadata.get("data", {})
    name = str(data.get("name"))
    if not is_bundled(name):
        return None
    dataset = load(name)
    if dataset.digest != data.get("sha256"):
        return None
    return {content_hash(image) for image in dataset.images}


# ------------------------------------------------------------ measuring


class _Measuring:
    """One evaluation: the distances, and the figures that are read off them."""

    def __init__(
        self, matcher: Matcher, asked: _Asked, at: str | None, seed: int, seeds: int
    ) -> None:
        self.matcher, self.asked, self.seed, self.seeds = matcher, asked, seed, seeds
        self.vectors = asked.vectors
        self.labels = [record.label for record in asked.records]
        self.point, _ = matcher.gallery.point(at)
        self.limits = matcher.gallery.rule(at).limits
        self.names, self.distances = matcher.gallery.nearest_by_group(self.vectors)
        code = {name: at for at, name in enumerate(self.names)}
        self.codes = np.array([code[label] for label in asked.reference_labels.tolist()], np.intp)
        self.columns = np.array([code.get(str(label), -1) for label in self.labels], np.intp)
        self.columns[[label is None for label in self.labels]] = -1
        self.known = np.flatnonzero(self.columns >= 0)
        if not len(self.known):
            raise ValueError(
                f"Expected pictures of the gallery's groups, but none of {len(self.labels)} has "
                "such a label. Give labelled pictures of them."
            )
        own = self.columns[self.known]
        self.own, left_out = set_apart(self.distances[self.known], own)
        self.mated = Mated(self.own, left_out.min(axis=1), [self.names[at] for at in own])
        self.left_out = _finite(left_out)
        self.strangers = self.distances[self.columns < 0]

    @property
    def unknown(self) -> Floats:
        """Nearest distance of every non-mated query."""
        return np.concatenate([self.left_out.min(axis=1), self.strangers.min(axis=1)])

    def evaluation(self, overlap: Figure) -> Evaluation:
        """Measure everything."""
        pairs = self._pairs()
        curves = [det_curve(*drawn) for drawn in pairs]
        curve = identification_curve(self.mated, self.unknown)
        missed = self.mated.missed(self.limits)
        gallery = self.matcher.gallery
        figures = {
            "gallery": {
                "path": gallery.path.name,
                "references": len(gallery),
                "groups": len(self.names),
                "model": self.matcher.embedder.fingerprint,
            },
            "operating_point": {"name": self.point, "threshold": self.limits.threshold},
            "queries": {
                "pictures": len(self.labels),
                "mated": len(self.known),
                "own group left out": len(self.left_out),
                "given as unknown": len(self.strangers),
                "unreadable": len(self.asked.unreadable),
            },
            "overlap": overlap,
            "seed": self.seed,
            "verification": self._verification(pairs, curves),
            "identification": self._identification(missed),
            "unknown_groups": self._open_set(),
            "retrieval": self._retrieval(),
            "groups": self._groups(missed),
            "unreadable": dict(self.asked.unreadable),
        }
        wrong = np.flatnonzero(missed)
        order = np.argsort(self.mated.other[wrong] - self.own[wrong], kind="stable")
        rows = self.known[wrong[order]].tolist()
        figures["missed"] = [self._miss(row) for row in rows]
        return Evaluation(
            figures, self.asked.records, self.vectors, *pairs[0], curves[0], curve, rows
        )

    # -------------------------------------------------------- one to one

    def _pairs(self) -> list[tuple[Distances, Distances]]:
        """Pairs of the labelled pictures, drawn with each seed."""
        from embedder.verification import pair_distances

        labelled = [at for at, label in enumerate(self.labels) if label is not None]
        labels = [str(self.labels[at]) for at in labelled]
        vectors = self.vectors[labelled]
        return [
            pair_distances(vectors, labels, PAIRS, self.seed + turn) for turn in range(self.seeds)
        ]

    def _verification(
        self, pairs: Sequence[tuple[Distances, Distances]], curves: Sequence[Curve]
    ) -> Figure:
        half = [pair_accuracy(*drawn, TUTORIAL_THRESHOLD) for drawn in pairs]
        threshold = self.limits.threshold
        return {
            "pairs of each kind": PAIRS,
            "seeds": self.seeds,
            "EER": _over_seeds([equal_error_rate(curve)[0] for curve in curves]),
            "EER threshold": _over_seeds([equal_error_rate(curve)[1] for curve in curves]),
            **{
                f"FNMR at FMR {100 * fmr:g} %": _over_seeds(
                    [fnmr_at_fmr(*drawn, fmr) for drawn in pairs]
                )
                for fmr in FMRS
            },
            "FMR at the threshold": _over_seeds(
                [float(np.mean(different <= threshold)) for _, different in pairs]
            ),
            "FNMR at the threshold": _over_seeds(
                [float(np.mean(same > threshold)) for same, _ in pairs]
            ),
            "pair accuracy at 0.5": _over_seeds(half),
        }

    # -------------------------------------------------------- one to many

    def _identification(self, missed: npt.NDArray[np.bool_]) -> Figure:
        found = ranks(self.distances[self.known], self.columns[self.known])
        unknown, mated = self.unknown, len(self.known)
        fnir = {
            f"FNIR at FPIR {100 * fpir:g} %": None if rate is None else _share(rate, mated)
            for fpir in FPIRS
            for rate in [fnir_at_fpir(self.mated, unknown, fpir)]
        }
        nearest = self.distances[self.known].argmin(axis=1)
        within = self.distances[self.known].min(axis=1) <= self.limits.of(
            [self.names[at] for at in nearest]
        )
        said = [self.names[at] if near else None for at, near in zip(nearest, within, strict=True)]
        names, counts = confusion(self.mated.labels, said)
        matched = self._matched()
        return {
            **{f"rank-{k}": _share(rank_rate(found, k), mated) for k in RANKS},
            **fnir,
            "FPIR at the threshold": _share(float(matched.mean()), len(matched)),
            "FNIR at the threshold": _share(float(missed.mean()), mated),
            "wrong group at the threshold": int(
                sum(a is not None and a != b for a, b in zip(said, self.mated.labels, strict=True))
            ),
            "confusion": {"names": names, "counts": counts.tolist()},
        }

    def _matched(self) -> npt.NDArray[np.bool_]:
        """Which non-mated queries are matched at the operating point."""
        every = np.concatenate([self.left_out, self.strangers])
        labels = [self.names[at] for at in every.argmin(axis=1)]
        matched: npt.NDArray[np.bool_] = every.min(axis=1) <= self.limits.of(labels)
        return matched

    def _open_set(self) -> Figure:
        """AUROC and OSCR, for each kind of unknown that came."""
        kinds = {"own group left out": self.left_out, "given as unknown": self.strangers}
        return {
            kind: self._against(distances.min(axis=1))
            for kind, distances in kinds.items()
            if len(distances)
        }

    def _against(self, unknown: Floats) -> Figure:
        nearest = np.minimum(self.own, self.mated.other)
        value, error = auroc(nearest, unknown), auroc_error(nearest, unknown)
        rng = np.random.default_rng(self.seed)
        drawn = []
        for _ in range(RESAMPLES):
            some = rng.integers(0, len(self.own), len(self.own))
            mated = Mated(self.own[some], self.mated.other[some], [""] * len(some))
            drawn.append(oscr(mated, unknown[rng.integers(0, len(unknown), len(unknown))]))
        ends = np.percentile(drawn, [2.5, 97.5]).tolist()
        spread = _NORMAL * error
        return {
            "AUROC": {
                "value": value,
                "interval": [max(0.0, value - spread), min(1.0, value + spread)],
            },
            "OSCR": {"value": oscr(self.mated, unknown), "interval": ends},
            "queries": len(unknown),
        }

    # -------------------------------------------------------- retrieval

    def _retrieval(self) -> Figure:
        """Rank all references for a sample of the mated queries."""
        rng = np.random.default_rng(self.seed)
        count = min(RETRIEVAL_QUERIES, len(self.known))
        some = np.sort(rng.choice(len(self.known), count, replace=False))
        references = self.asked.references
        codes = self.codes
        sizes = np.bincount(codes, minlength=len(self.names))
        own = self.columns[self.known[some]]
        depth = min(max(int(sizes.max()), *RECALLS), len(references))
        squared = (references.astype(np.float32) ** 2).sum(axis=1)
        parts: list[list[npt.NDArray[np.float64]]] = []
        for start in range(0, count, _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            queries = self.vectors[self.known[some[rows]]]
            near = _nearest(squared - 2 * (queries @ references.T), depth)
            relevant = codes[near] == own[rows, None]
            size = sizes[own[rows]]
            parts.append(
                [
                    precision_at_1(relevant),
                    r_precision(relevant, size),
                    map_at_r(relevant, size),
                    *(recall_at_k(relevant, k) for k in RECALLS),
                ]
            )
        names = ("P@1", "R-precision", "MAP@R", *(f"recall@{k}" for k in RECALLS))
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        return {
            "queries": count,
            **{name: _mean(column) for name, column in zip(names, columns, strict=True)},
        }

    # -------------------------------------------------------- group by group

    def _groups(self, missed: npt.NDArray[np.bool_]) -> list[Figure]:
        sizes = np.bincount(self.codes, minlength=len(self.names))
        groups = Groups.of(self.mated.labels)
        rows = []
        for code, name in enumerate(groups.names):
            members = groups.members(code)
            near = self.distances[self.known[members]]
            others = np.delete(np.arange(len(self.names)), self.names.index(name))
            wrong = near[:, others].argmin(axis=1) if len(others) else np.empty(0, int)
            lost = missed[members]
            rows.append(
                {
                    "group": name,
                    "references": int(sizes[self.names.index(name)]),
                    "queries": len(members),
                    "missed": _share(float(lost.mean()), len(members)),
                    "threshold": float(self.limits.of([name])[0]),
                    "within_95": float(np.quantile(self.own[members], 0.95)),
                    "worst_confused": _most_common(
                        [self.names[others[at]] for at in wrong[lost]] if len(others) else []
                    ),
                }
            )
        return rows

    def _miss(self, row: int) -> Figure:
        """Tell of a query that was missed."""
        near, own = self.distances[row], int(self.columns[row])
        best = int(near.argmin())
        inside = bool(near[best] <= self.limits.of([self.names[best]])[0])
        return {
            "id": self.asked.records[row].id,
            "label": self.names[own],
            "own_distance": float(near[own]),
            "nearest_group": self.names[best],
            "nearest_distance": float(near[best]),
            "said": self.names[best] if inside else None,
        }


def _finite(distances: Floats) -> Floats:
    """Those queries for which a group is left."""
    kept: Floats = distances[np.isfinite(distances).any(axis=1)]
    return kept


def _nearest(order_by: Floats, depth: int) -> Rows:
    """Columns of the `depth` smallest in each row, ascending."""
    if depth < order_by.shape[1]:
        some = np.argpartition(order_by, depth - 1, axis=1)[:, :depth]
    else:
        some = np.tile(np.arange(depth), (len(order_by), 1))
    order = np.take_along_axis(order_by, some, axis=1).argsort(axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)


def _most_common(names: list[str]) -> str | None:
    return max(sorted(set(names)), key=names.count) if names else None


def _share(rate: float, trials: int) -> Figure:
    """A share of independent trials, with Clopper and Pearson's interval."""
    events = round(rate * trials)
    return {
        "value": rate,
        "events": events,
        "trials": trials,
        "interval": list(clopper_pearson(events, trials)),
    }


def _mean(values: npt.NDArray[np.float64]) -> Figure:
    """A mean over queries, with the interval of a normal mean."""
    value = float(values.mean())
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    return {
        "value": value,
        "interval": [max(0.0, value - _NORMAL * error), min(1.0, value + _NORMAL * error)],
    }


def _over_seeds(values: Sequence[float | None]) -> Figure | None:
    """Mean over the draws of pairs and the range they span; None where the data did not suffice."""
    found = [value for value in values if value is not None]
    if len(found) < len(values):
        return None
    return {"value": float(np.mean(found)), "range": [min(found), max(found)]}
