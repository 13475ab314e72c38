"""A new model takes the place of an earlier one whole, or the earlier one stays."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from embedder.destination import check_destination, new_model, written
from embedder.errors import ModelError
from likewise import exchange


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The place of an earlier model."""
    write(tmp_path / "model", "earlier")
    return tmp_path / "model"


@pytest.fixture
def two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that cannot exchange two names at once."""
    monkeypatch.setattr(exchange, "_swapped", lambda new, place: False)


def write(out: Path, text: str) -> None:
    with new_model(out) as staging:
        (staging / "model.json").write_text(text)


def text_at(out: Path) -> str:
    assert [entry.name for entry in out.parent.iterdir()] == [out.name]  # and nothing beside it
    return (out / "model.json").read_text()


def test_a_new_model_replaces_the_earlier_one(out):
    write(out, "new")
    assert text_at(out) == "new"


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="takes two steps there")
def test_there_is_a_model_at_every_moment(out, monkeypatch):
    def rename(*_: object) -> None:
        raise AssertionError("a rename by itself leaves a moment without a model")

    monkeypatch.setattr(os, "rename", rename)
    write(out, "new")
    assert text_at(out) == "new"


def test_where_it_takes_two_steps_and_the_second_fails_the_earlier_model_is_put_back(
    out, monkeypatch, two_steps
):
    real, steps = os.rename, iter([True, False, True])

    def rename(source: Path, target: Path) -> None:
        if not next(steps):
            raise OSError("the disk went away")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(OSError, match="went away"):
        write(out, "new")
    assert next(steps, None) is None
    assert text_at(out) == "earlier"


def test_what_a_kill_left_aside_is_removed_once_there_is_a_model_again(out, two_steps):
    os.rename(out, out.with_name(".model-old"))
    write(out, "new")
    assert text_at(out) == "new"
    write(out.with_name(".model-old"), "left")
    write(out, "newer")
    assert text_at(out) == "newer"


def test_a_path_below_a_file_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("file/model", "file/models/new"):
        with pytest.raises(ModelError, match="a part of that path is no directory"):
            check_destination(tmp_path / name)
    check_destination(tmp_path / "models" / "new")


FULL_IN_HDF5 = (
    "Unable to synchronously create file (file write failed: time = Mon Nov 30 21:29:49 2026\n, "
    "filename = 'best-1.weights.h5', file descriptor = 3, errno = 28, error message = 'No space "
    "left on device', buf = 0x56553af3f7e8, total write size = 4096)"
)


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), OSError(FULL_IN_HDF5)]
)
def test_a_full_disk_is_reported_by_the_place_that_was_chosen(out, error):
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)) as refusal, new_model(out):
        raise error
    assert (refusal.value.errno, refusal.value.filename) == (errno.ENOSPC, str(out))
    assert text_at(out) == "earlier"


def test_another_error_keeps_its_own_file(out):
    with pytest.raises(FileNotFoundError) as refusal, written(out):
        Path("no/such/licence").read_text()
    assert refusal.value.filename == "no/such/licence"
