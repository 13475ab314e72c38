"""Very many groups, or equal pictures, beside the same number of references in ten groups.

They may take at most three times the processor time.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from bench.material import Material
from bench.measure import Figure, figure
from embedder.data.records import Record
from index.decision import CheckOptions
from index.doctor import examine
from index.gallery import Gallery
from likewise.calibration.calibrate import calibrate
from likewise.evaluation.evaluate import evaluate
from likewise.matcher import Matcher
from likewise.metrics.thresholds import CalibrationError
from likewise.server.answering.answer import Answering
from likewise.server.answering.decoders import Decoders
from likewise.server.answering.pictures import Pictures
from likewise.server.answering.question import CHECK, Options, Question
from likewise.server.metrics import Metrics

COUNT, FEW = 10_000, 10
TURNS, TOGETHER = 200, 4  # turns of a server, and requests in each
ROUNDS = 3
BAR = "<= 3"

Work = Callable[[Matcher], object]


def figures(material: Material) -> Iterator[Figure]:
    """Seconds of the processor: many groups of one, and equal pictures in few and many groups."""
    different = material.vectors[:COUNT]
    equal = np.repeat(different[:1], COUNT, axis=0)
    with tempfile.TemporaryDirectory() as folder:
        few = _gallery(material, Path(folder, "few"), different, FEW)
        others = {
            f"{COUNT:,} groups": _gallery(material, Path(folder, "many"), different, COUNT),
            f"{COUNT:,} equal": _gallery(material, Path(folder, "equal"), equal, FEW),
            f"{COUNT:,} equal in as many groups": _gallery(
                material, Path(folder, "both"), equal, COUNT
            ),
        }
        for task, work in _tasks(material).items():
            for name, path in others.items():
                times, floors = _compared(work, path, few)
                yield figure(f"{task}, {name}", "s CPU", times, floors, BAR, "floor: ten groups")


def _gallery(material: Material, path: Path, vectors: np.ndarray, groups: int) -> Path:
    with Matcher.create(path, material.embedder) as matcher:
        ids = [f"{row:05}" for row in range(len(vectors))]
        matcher.gallery.add(ids, vectors, [_label(row, groups) for row in range(len(vectors))])
    return path


def _label(row: int, groups: int) -> str:
    return f"{row % groups:05}"


def _tasks(material: Material) -> dict[str, Work]:
    def queries(gallery: Gallery) -> Iterator[Record]:
        groups = len(gallery.groups())
        return (
            Record(f"test/{row}", _label(row // 2, groups), image)  # pairs of one group, too
            for row, image in enumerate(material.test[:2000])
        )

    return {
        "calibrate by FPIR": lambda matcher: calibrate(matcher, fpir=0.01),
        "calibrate by FMR": lambda matcher: calibrate(matcher, queries(matcher.gallery), fmr=0.01),
        "evaluate": lambda matcher: evaluate(matcher, queries(matcher.gallery), allow_overlap=True),
        "doctor": lambda matcher: examine(matcher.gallery, threshold=0.2),
        "check --group": lambda matcher: matcher.check(
            list(material.test[:1000]), CheckOptions(group=_label(7, FEW))
        ),
        "answers of a server, by group": lambda matcher: _answered(matcher, material),
    }


def _answered(matcher: Matcher, material: Material) -> None:
    decoders = Decoders(matcher.embedder, 1 << 20, 5.0)  # for pictures that are no arrays
    answering = Answering(matcher, Metrics(0.2), decoders)
    options = itertools.cycle(
        Options(CHECK, CheckOptions(group=_label(row, FEW))) for row in range(FEW)
    )
    for turn in range(TURNS):
        rows = range(turn * TOGETHER, (turn + 1) * TOGETHER)
        answers = answering.answer(
            [Question(next(options), Pictures(["a"], material.test[row : row + 1])) for row in rows]
        )
        assert not any(isinstance(answer, Exception) for answer in answers), answers
    decoders.close()


def _compared(work: Work, path: Path, few: Path) -> tuple[list[float], list[float]]:
    """Processor seconds of both, in turns, each with a newly opened gallery."""
    pairs = [(_seconds(work, path), _seconds(work, few)) for _ in range(ROUNDS)]
    times, floors = zip(*pairs, strict=True)
    return list(times), list(floors)


def _seconds(work: Work, path: Path) -> float:
    with Matcher.open(path) as matcher:
        start = time.process_time()
        with suppress(CalibrationError):  # no threshold tells equal pictures of two groups apart
            work(matcher)
        return time.process_time() - start
