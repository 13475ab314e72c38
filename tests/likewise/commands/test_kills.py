"""`kill -9` in every command that writes: each result is complete or does not exist."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embedder.data.sources import records
from embedder.manifest import read_manifest, write_manifest
from embedder.model import Embedder
from index.gallery import Gallery
from likewise.matcher import Matcher

ROOT = Path(__file__).parents[3]

# Forks a child for each line on stdin, which does one command; so that 500 import nothing anew.
FORKING = """
import json, os, signal, sys
from tests.fakes import install
if sys.argv[1] == "fake":
    install()
from cli import main
import likewise.bulk.job, likewise.calibration.calibrate, likewise.enrolment, likewise.matcher
import index.backup, likewise.upgrading, likewise.evaluation.evaluate, likewise.report.write

def run(arguments):
    log = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0), os.dup2(log, 1), os.dup2(log, 2)
    try:
        main(arguments, prog_name="likewise")
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1 if end.code else 0)

for line in sys.stdin:
    arguments, after = json.loads(line)
    child = os.fork()
    if child == 0:
        run(arguments)
    if after is not None:
        signal.sigtimedwait({signal.SIGUSR1}, after)  # a random moment to die at
        os.kill(child, signal.SIGKILL)  # it was not waited for, so the number is still its own
    print(os.waitpid(child, 0)[1], flush=True)
"""


class Commands:
    """Runs commands, each in a process of its own that may be killed."""

    def __init__(self, folder: Path, embedder: str = "fake") -> None:
        self._log = folder / "log"
        self._parent = subprocess.Popen(
            [sys.executable, "-c", FORKING, embedder, str(self._log)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *arguments: object, kill_after: float | None = None) -> bool:
        """Run a command; returns whether it ended by itself, which must be with success."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        task = [[str(argument) for argument in arguments], kill_after]
        self._parent.stdin.write(f"{json.dumps(task)}\n")
        self._parent.stdin.flush()
        status = int(self._parent.stdout.readline())
        if os.WIFSIGNALED(status):
            return False
        assert status == 0, (arguments, self._log.read_text())
        return True

    def close(self) -> None:
        self._parent.communicate()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of digits by label: `first` and `second` to enrol, `third` to measure with."""
    folder = tmp_path_factory.mktemp("digits")
    for place, record in enumerate(islice(records("mnist/train"), 360)):
        part = ("first", "second", "third")[place % 3]
        path = folder / part / str(record.label) / f"{place:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(record.pixels()).save(path)
    return folder


def ids_of(path: Path) -> set[str]:
    """The ids of a gallery, all of which is verified."""
    with Gallery.open(path) as gallery:
        gallery.verify()
        return set(gallery.ids())


class Killing:
    """One gallery, to and from which each command writes; `check` after it was killed.

    Each method is a command: it returns the arguments and what holds after it, whether it ended.
    """

    def __init__(self, folder: Path, data: Path, commands: Commands) -> None:
        self.folder, self.data, self.commands = folder, data, commands
        self.gallery = folder / "digits.gallery"
        assert commands.run("build", self.gallery, data / "first")
        self.first = ids_of(self.gallery)
        self.thirds = self._rows()

    def build(self, round: int) -> tuple[list[object], Callable[[bool], None]]:
        made = self.folder / f"built{round}"

        def check(ended: bool) -> None:
            assert made.exists() or not ended
            if made.exists():
                assert ids_of(made) == self.first if ended else ids_of(made) <= self.first
                shutil.rmtree(made)

        return ["build", made, self.data / "first"], check

    def add(self, round: int) -> tuple[list[object], Callable[[bool], None]]:
        def check(ended: bool) -> None:
            added = ids_of(self.gallery) - self.first
            assert len(added) == 120 or not ended
            assert self.first <= ids_of(self.gallery)

        return ["add", self.gallery, self.data / "second"], check

    def remove(self, round: int) -> tuple[list[object], Callable[[bool], None]]:
        before = ids_of(self.gallery)
        gone = sorted(before - self.first)[:60] or ["none"]

        def check(ended: bool) -> None:
            removed = before - ids_of(self.gallery)
            assert removed == set(gone) & before or (not ended and not removed)

        return ["remove", self.gallery, "--missing-ok", *gone], check

    def calibrate(self, round: int) -> tuple[list[object], Callable[[bool], None]]:
        name = f"p{round}"

        def check(ended: bool) -> None:
            with Gallery.open(self.gallery) as gallery:
                points = gallery.points.all()
                assert name in points or not ended
                assert gallery.points.default in points
                gallery.points.verify()

        measured = self.data / "third"
        return ["calibrate", self.gallery, measured, "--fpir", "0.3", "--name", name], check

    def backup(self, round: int) -> tuple[list[object], Callable[[bool], None]]:
        target = self.folder / f"copy{round}"

        def check(ended: bool) -> None:
            assert target.exists() or not ended
            if target.exists():
                assert ids_of(target) == ids_of(self.gallery)
                shutil.rmtree(target)

        return ["backup", self.gallery, target], check

    def check(self, round: int) -> tuple[list[object], Callable[[bool], None]]:
        output = self.folder / f"rows{round}.jsonl"
        arguments = ["check", self.gallery, self.data / "third", "-o", output, "-k", "1"]

        def check(ended: bool) -> None:
            if not output.exists():
                assert not ended
                self.commands.run(*arguments, "--resume")
            assert output.read_bytes().count(b"\n") == self.thirds
            output.unlink()

        return arguments, check

    def embed(self, round: int) -> tuple[list[object], Callable[[bool], None]]:
        output = self.folder / f"vectors{round}.npy"

        def check(ended: bool) -> None:
            assert output.exists() or not ended
            if output.exists():
                assert np.load(output).shape == (self.thirds, 16)
                output.unlink()

        return ["embed", "--gallery", self.gallery, self.data / "third", "-o", output], check

    def evaluate(self, round: int) -> tuple[list[object], Callable[[bool], None]]:
        out = self.folder / f"report{round}"
        options = ["--allow-overlap", "--at", "eer", "--seeds", "1"]

        def check(ended: bool) -> None:
            assert out.exists() or not ended
            if out.exists():
                assert all(file.stat().st_size for file in out.iterdir())
                assert len(list(out.iterdir())) == 2
                shutil.rmtree(out)

        return ["evaluate", self.gallery, self.data / "third", "--out", out, *options], check

    def doctor(self, round: int) -> tuple[list[object], Callable[[bool], None]]:
        older = self.folder / "older"
        shutil.rmtree(older, ignore_errors=True)
        shutil.copytree(self.gallery, older)
        with Gallery.open(older) as gallery:
            before = set(gallery.ids())
        store = (older / "references.sqlite").read_bytes()
        with Gallery.open(older) as gallery:
            gallery.remove(sorted(before)[:1])
        (older / "references.sqlite").write_bytes(store)

        def check(ended: bool) -> None:
            assert self.commands.run("doctor", older, "--accept-older")  # also a second time
            assert ids_of(older) == before

        return ["doctor", older, "--accept-older"], check

    def _rows(self) -> int:
        return sum(1 for _ in (self.data / "third").rglob("*.png"))


WRITING = ("build", "add", "remove", "calibrate", "backup", "check", "embed", "evaluate", "doctor")


@pytest.mark.parametrize(
    "kills",
    [pytest.param(50, marks=pytest.mark.slow), pytest.param(500, marks=pytest.mark.soak)],
)
@pytest.mark.timeout(7200)
def test_every_command_that_writes_leaves_all_or_nothing_when_it_is_killed(
    tmp_path: Path, data: Path, kills: int
) -> None:
    rng, commands = np.random.default_rng(11), Commands(tmp_path)
    killing = Killing(tmp_path, data, commands)
    durations: dict[str, float] = {}
    killed: dict[str, int] = dict.fromkeys(WRITING, 0)
    round = 0
    while sum(killed.values()) < kills:
        round += 1
        name = WRITING[round % len(WRITING)]
        arguments, check = getattr(killing, name)(round)
        start = time.monotonic()
        after = rng.uniform(0, durations[name]) if name in durations else None
        ended = commands.run(*arguments, kill_after=after)
        durations.setdefault(name, time.monotonic() - start)
        killed[name] += not ended
        check(ended)
    assert commands.run("remove", killing.gallery, "--missing-ok", "none")
    assert commands.run("backup", killing.gallery, tmp_path / "last")
    assert not list(killing.gallery.glob(".*"))  # the next writer removed what was left
    assert not [path for path in tmp_path.glob(".*") if (path / "gallery.json").exists()]
    commands.close()
    print(killed)
    assert all(killed.values())


@pytest.mark.parametrize(
    "kills",
    [pytest.param(20, marks=pytest.mark.slow), pytest.param(500, marks=pytest.mark.soak)],
)
@pytest.mark.timeout(7200)
def test_an_upgrade_that_is_killed_leaves_the_old_gallery_or_the_new_one(
    tmp_path: Path, data: Path, kills: int
) -> None:
    rng, commands = np.random.default_rng(13), Commands(tmp_path, "real")
    gallery, models = tmp_path / "digits.gallery", {}
    for fingerprint in ("0123456789ab", "ba9876543210"):  # one network under two names
        models[fingerprint] = shutil.copytree(Embedder.load().path, tmp_path / fingerprint)
        fields = {**read_manifest(models[fingerprint]), "fingerprint": fingerprint}
        write_manifest(models[fingerprint], fields)
    old, new = models
    assert commands.run("build", gallery, data / "first", "--model", models[old])
    first, duration, killed, left = ids_of(gallery), 0.0, 0, []
    while killed < kills:
        start = time.monotonic()
        after = rng.uniform(0, duration) if duration else None
        ended = commands.run("upgrade", gallery, "--model", models[new], kill_after=after)
        duration, killed = duration or time.monotonic() - start, killed + (not ended)
        assert ids_of(gallery) == first
        with Matcher.open(gallery) as matcher:
            is_new = matcher.gallery.fingerprint == new
            assert is_new or not ended
            assert matcher.embedder.fingerprint == matcher.gallery.fingerprint
        left.append(is_new)
        old, new = (new, old) if is_new else (old, new)
    commands.close()
    assert len(set(left)) == 2  # some kills came before the exchange, or after it
    assert sum(1 for path in tmp_path.glob(".*")) <= 1  # the next upgrade removes what was left


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_training_that_is_killed_leaves_a_whole_model_or_none_and_goes_on(
    tmp_path: Path, data: Path
) -> None:
    """The slow tier kills trainings in tests/embedder/training, without the command around them."""
    rng, commands = np.random.default_rng(12), Commands(tmp_path, "real")
    out = tmp_path / "model"
    options = ["--epochs", "1", "--validation", "0.5", "--test", data / "third"]
    arguments: list[object] = ["train", data / "first", "--out", out, *options]
    start = time.monotonic()
    assert commands.run(*arguments)
    duration = time.monotonic() - start
    for _ in range(10):
        shutil.rmtree(out)
        ended = commands.run(*arguments, kill_after=rng.uniform(0.3, 1) * duration)
        assert out.exists() or not ended
        if not out.exists():
            more = ["--resume"] if out.with_name("model.training").exists() else []
            assert commands.run(*arguments, *more)
        Embedder.load(out)
    commands.close()
