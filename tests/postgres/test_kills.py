"""`kill -9` of writers and of the server at any moment: nothing acknowledged is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from index.errors import GalleryError
from index.gallery import Gallery
from tests.eventually import eventually
from tests.postgres_server import Server

ROOT = Path(__file__).parents[2]
DIM, BATCH = 8, 50

# Adds and removes batches of fifty and prints what is done, as it is done, until it is killed.
WRITER = """
import os, sys
import numpy as np
from index.gallery import Gallery

def say(line):
    os.write(1, f"{line}\\n".encode())  # in one piece, so that no kill leaves half a line

with Gallery.open(sys.argv[1]) as gallery:
    for batch in range(int(sys.argv[2]), 10**9):
        vectors = np.random.default_rng(batch).normal(size=(50, 8)).astype(np.float32)
        say(f"adding {batch}")
        gallery.add([f"{batch}/{i}" for i in range(50)], vectors, [str(batch % 7)] * 50)
        say(f"added {batch}")
        if batch % 4 == 3:
            say(f"removing {batch - 2}")
            gallery.remove([f"{batch - 2}/{i}" for i in range(50)])
            say(f"removed {batch - 2}")
"""


def require_gone(server: Server) -> None:
    """Wait until what a killed writer sent last has been done, or not."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'writer'"
    eventually(lambda: server.sql(asked) == [(0,)])


class Heard:
    """What writers acknowledged, and the one change that was under way."""

    def __init__(self) -> None:
        self.present: set[int] = set()
        self.pending: int | None = None
        self.next = 0

    def hear(self, lines: list[str]) -> None:
        for word, batch in (line.split() for line in lines if " " in line):
            number = int(batch)
            self.next = max(self.next, number + 1)
            if word in ("adding", "removing"):
                self.pending = number
            else:
                self.pending = None
                (self.present.add if word == "added" else self.present.discard)(number)

    def require(self, gallery: Gallery) -> None:
        """Every acknowledged batch is there whole, and the pending one whole or not at all."""
        sizes: dict[int, int] = {}
        for id in gallery.ids():
            batch = int(id.partition("/")[0])
            sizes[batch] = sizes.get(batch, 0) + 1
        assert set(sizes.values()) <= {BATCH}
        assert set(sizes) ^ self.present <= {self.pending}
        self.present, self.pending = set(sizes), None
        vectors = np.random.default_rng(max(sizes)).normal(size=(BATCH, DIM)).astype(np.float32)
        near = gallery.search(vectors, 1)
        assert near.ids[:, 0].tolist() == [f"{max(sizes)}/{i}" for i in range(BATCH)]
        gallery.verify()


def writer(server: Server, first: int) -> subprocess.Popen[str]:
    """A process that writes until it is killed."""
    address = server.url("shoes").replace("#", "?application_name=writer#")
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, address, str(first)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
    )


def heard_until(process: subprocess.Popen[str], lines: int, after: float) -> list[str]:
    """The first lines of a writer; then some milliseconds go by, so that a kill meets any phase."""
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(lines)]
    time.sleep(after)  # chooses the moment; nothing depends on it
    return said


def left_by(process: subprocess.Popen[str]) -> tuple[list[str], str]:
    """The lines of a dead writer that were not read yet, and its errors.

    Not by `communicate`, which passes over what was read ahead.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        return process.stdout.read().splitlines(), process.stderr.read()


@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_whole_batches(postgres):
    heard, rng = Heard(), np.random.default_rng(3)
    with Gallery.create(postgres.url("shoes"), dim=DIM, fingerprint="3f9a1c") as gallery:
        for _ in range(20):
            process = writer(postgres, heard.next)
            said = heard_until(process, int(rng.integers(3, 12)), float(rng.uniform(0, 0.02)))
            process.send_signal(signal.SIGKILL)
            rest, errors = left_by(process)
            assert errors == ""
            require_gone(postgres)
            heard.hear(said + rest)
            heard.require(gallery)  # a client that stayed open
            with Gallery.open(postgres.url("shoes")) as fresh:
                assert fresh.generation == gallery.generation


@pytest.mark.slow
def test_a_server_that_is_killed_comes_back_with_all_that_was_acknowledged(postgres):
    heard, rng = Heard(), np.random.default_rng(5)
    with Gallery.create(postgres.url("shoes"), dim=DIM, fingerprint="3f9a1c") as gallery:
        for _ in range(5):
            process = writer(postgres, heard.next)
            said = heard_until(process, int(rng.integers(3, 12)), float(rng.uniform(0, 0.02)))
            postgres.kill()
            with pytest.raises(GalleryError, match=r"Cannot connect|was lost"):
                len(gallery)
            postgres.start()
            if process.poll() is None:  # it may go on: an idle connection is made again
                process.send_signal(signal.SIGKILL)
            rest, errors = left_by(process)
            require_gone(postgres)
            heard.hear(said + rest)
            assert not errors or "index.errors.UnreachableError" in errors
            heard.require(gallery)
