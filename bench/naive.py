"""The peer: the tutorial's script (`tutorial.py`) doing the same work with the same network.

It runs in a separate process, so that TensorFlow's threads and memory affect nothing else.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench import build
from bench.child import likewise, run
from bench.material import K, Material
from bench.measure import Figure, figure, seconds
from index.decision import CheckOptions

NOTE = "peer: model.predict + IndexFlatL2; floor: likewise doing the same, and more"


def figures(material: Material) -> Iterator[Figure]:
    """The script's seconds beside ours: a ratio of 3 means that ours is three times as fast.

    A model that has no network for Keras is passed over: the script opens nothing else.
    """
    if not _keras(material).exists():
        return
    theirs, index = _theirs(material)
    ours = {
        "build": [seconds(lambda: build.build(material))],
        "check": [
            seconds(lambda: material.matcher.check(material.test, CheckOptions(k=K)))
            for _ in range(3)
        ],
        "one": [
            seconds(lambda: material.matcher.check(material.test[:1], CheckOptions(k=K)))
            for _ in range(50)
        ],
    }
    names = {
        "build": "peer: build from 60,000 arrays",
        "check": "peer: check 10,000 arrays against 60,000",
        "one": "peer: check one array, warm",
    }
    for key, name in names.items():
        yield figure(name, "s", [theirs[key]], [statistics.median(ours[key])], None, NOTE)
    yield _cold(material, index)


def _theirs(material: Material) -> tuple[dict[str, float], Path]:
    train, test = material.folder / "train.npy", material.folder / "test.npy"
    np.save(train, material.train)
    np.save(test, material.test)
    index = material.folder / "tutorial.faiss"
    seconds_of_each: dict[str, float] = json.loads(
        run(_script(material, "build", train, test, index))
    )
    return seconds_of_each, index


def _cold(material: Material, index: Path) -> Figure:
    picture = material.pngs[0]
    theirs = _script(material, "query", index, picture)
    ours = likewise("query", material.gallery, picture)
    times = [(seconds(lambda: run(theirs)), seconds(lambda: run(ours))) for _ in range(3)]
    values, floors = (list(column) for column in zip(*times, strict=True))
    return figure("peer: query one picture, cold process", "s", values, floors, None, NOTE)


def _script(material: Material, task: str, *rest: Path) -> list[str]:
    script = Path(__file__).with_name("tutorial.py")
    return [sys.executable, str(script), task, *map(str, (_keras(material), *rest))]


def _keras(material: Material) -> Path:
    return material.embedder.path / "base.keras"
