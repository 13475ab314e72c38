"""`kill -9` at any moment: nothing acknowledged is lost, nothing half-written is seen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from index import gallery as module
from index.gallery import Gallery

ROOT = Path(module.__file__).parents[1]
DIM, BATCH = 8, 50

# Forks a child for each line on stdin; the child changes the gallery and prints what is done, as
# it is done, until it is killed. Every transaction is one batch of fifty.
CHANGER = """
import os, sys
import numpy as np
from index.gallery import Gallery

def say(line):
    os.write(1, f"{line}\\n".encode())  # in one piece, so that no kill leaves half a line

def vector(name):
    return np.random.default_rng(list(name.encode())).normal(size=8).astype(np.float32)

def change(path, first):
    with Gallery.open(path) as gallery:
        for batch in range(first, first + 1000):
            ids = [f"{batch}/{i}" for i in range(50)]
            vectors = np.stack([vector(id) for id in ids])
            pictures = np.full((50, 28, 28), batch % 251, np.uint8)
            say(f"adding {batch}")
            gallery.add(ids, vectors, [str(batch % 7)] * 50, pictures=pictures)
            say(f"added {batch}")
            if batch % 5 == 4:
                say(f"removing {batch - 3}")
                gallery.remove([f"{batch - 3}/{i}" for i in range(50)])
                say(f"removed {batch - 3}")
            if batch % 3 == 2:
                gallery.close()  # writes the index
                gallery = Gallery.open(path)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        say(f"child {os.getpid()}")  # before anything else that the child says
        change(sys.argv[1], int(line))
        os._exit(0)
    os.waitpid(child, 0)
    say("dead")
"""


@dataclass
class Expected:
    """What was acknowledged, and the one change that was under way."""

    present: set[int] = field(default_factory=set)
    pending: int | None = None
    next: int = 0

    def hear(self, word: str, batch: int) -> None:
        if word in ("adding", "removing"):
            self.pending, self.next = batch, max(self.next, batch + 1)
        elif word == "added":
            self.present.add(batch)
            self.pending = None
        elif word == "removed":
            self.present.discard(batch)
            self.pending = None

    def settle(self, present: set[int]) -> None:
        """The pending change happened wholly or not at all; everything else as acknowledged."""
        assert present ^ self.present <= {self.pending}
        self.present, self.pending = present, None


def run_until_killed(
    changer: subprocess.Popen[str], expected: Expected, after: float, *, at_work: bool
) -> None:
    assert changer.stdin is not None
    assert changer.stdout is not None
    changer.stdin.write(f"{expected.next}\n")
    changer.stdin.flush()
    word, child = changer.stdout.readline().split()
    assert word == "child"
    if at_work:
        words = changer.stdout.readline().split()
        expected.hear(words[0], int(words[1]))
    time.sleep(after)  # a random moment to die at: no outcome depends on which
    os.kill(int(child), signal.SIGKILL)
    for line in iter(changer.stdout.readline, "dead\n"):
        words = line.split()
        expected.hear(words[0], int(words[1]))


def batches(gallery: Gallery) -> set[int]:
    """The batches that are there; each must be there wholly."""
    numbers = [int(id.split("/")[0]) for id in gallery.ids()]
    present = set(numbers)
    assert len(numbers) == BATCH * len(present)
    return present


def vector(name: str) -> np.ndarray:
    return np.random.default_rng(list(name.encode())).normal(size=DIM).astype(np.float32)


@pytest.mark.parametrize(
    "kills",
    [pytest.param(200, marks=pytest.mark.slow), pytest.param(5000, marks=pytest.mark.soak)],
)
@pytest.mark.timeout(3600)
def test_nothing_acknowledged_is_lost_at_hundreds_of_kills(tmp_path: Path, kills: int) -> None:
    path, rng, expected = tmp_path / "gallery", np.random.default_rng(5), Expected()
    Gallery.create(path, dim=DIM, fingerprint="a").close()
    changer = subprocess.Popen(
        [sys.executable, "-c", CHANGER, str(path)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    pending = 0
    try:
        for kill in range(kills):
            after = rng.exponential(0.08)
            run_until_killed(changer, expected, after, at_work=kill % 4 > 0)  # else while it opens
            pending += expected.pending is not None
            with Gallery.open(path) as gallery:
                expected.settle(batches(gallery))
                if expected.present:
                    batch = f"{rng.choice(sorted(expected.present))}/{rng.integers(BATCH)}"
                    [[nearest]] = gallery.search(vector(batch)[None], 1).ids.tolist()
                    assert nearest == batch
                if kill % 20 == 0:
                    gallery.verify()
    finally:
        changer.kill()
        changer.communicate()
    assert pending > kills / 10  # kills did fall within transactions
    assert_index_agrees(path)


def assert_index_agrees(path: Path) -> None:
    """Every reference is its own nearest, from the index that the kills left behind."""
    with Gallery.open(path) as gallery:
        gallery.verify()
        ids = list(gallery.ids())
        result = gallery.search(np.stack([vector(id) for id in ids]), 1)
        assert result.ids[:, 0].tolist() == ids
        assert not result.distances.any()
