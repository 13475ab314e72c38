"""Pictures in every accepted form, also mixed, give the answers of their pixels."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from embedder.data.images import read_image
from embedder.data.pillow import pillow_pixels
from embedder.data.sources import Record, records
from embedder.errors import ImageError
from likewise.bulk.stream import check_stream, query_stream
from likewise.errors import LikewiseError
from likewise.output.rows import decision_row, query_row
from likewise.pictures import PicturesError, QueryPictures

FORMS: dict[str, Callable[[Path], Any]] = {
    "array": read_image,
    "text": str,
    "path": Path,
    "pillow": lambda path: opened(path),
    "record": lambda path: Record(f"record of {path.name}", "9", path),
}


def opened(source: Path | bytes) -> Image.Image:
    """An image whose file is read later, as Pillow does."""
    return Image.open(io.BytesIO(source if isinstance(source, bytes) else source.read_bytes()))


@pytest.fixture
def files(scans) -> list[Path]:
    """The readable ones of the scans, in order."""
    return [path for path in sorted(scans.iterdir()) if path.name not in ("05.png", "06.png")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(forms=st.lists(st.sampled_from(sorted(FORMS)), min_size=1, max_size=12))
def test_pictures_of_mixed_forms_are_answered_as_their_arrays_are(matcher, files, forms):
    chosen = files[: len(forms)]
    mixed = [FORMS[form](path) for form, path in zip(forms, chosen, strict=True)]
    arrays = [read_image(path) for path in chosen]
    assert matcher.check(mixed) == matcher.check(arrays)
    np.testing.assert_array_equal(matcher.query(mixed).distances, matcher.query(arrays).distances)


@pytest.mark.parametrize("form", FORMS)
def test_a_single_picture_needs_no_list(matcher, files, form):
    picture = FORMS[form](files[0])
    assert matcher.check(picture) == matcher.check([read_image(files[0])])
    assert len(matcher.query(picture)) == 1


def test_two_pictures_of_any_forms_are_compared(matcher, files):
    expected = matcher.compare(read_image(files[0]), read_image(files[1]))
    assert matcher.compare(str(files[0]), opened(files[1])) == expected
    assert matcher.compare(files[0], Record("it", None, files[0])) == 0.0


def test_an_array_of_pictures_is_passed_on_as_it_is():
    arrays = np.zeros((5, 28, 28), np.uint8)
    assert QueryPictures.of(arrays).arrays is arrays
    assert QueryPictures.of(list(arrays)).records is None


def test_a_stream_of_records_keeps_its_ids(matcher):
    assert matcher.check(records("mnist/test/00003")).ids == ["mnist/test/00003"]


def test_a_generator_an_array_of_paths_and_a_tuple_are_lists_too(matcher, files):
    expected = matcher.check([read_image(path) for path in files[:3]])
    assert matcher.check(path for path in files[:3]) == expected
    assert matcher.check(np.array(list(map(str, files[:3])))) == expected
    assert matcher.check(tuple(files[:3])) == expected


def test_no_pictures_have_no_answers(matcher):
    assert matcher.check([]) == []
    assert matcher.check(iter([])) == []
    assert matcher.query([]).distances.shape == (0, 5)


def test_a_picture_that_cannot_be_read_is_a_decision_in_its_place(matcher, scans, files):
    asked = [files[0], "gone.png", scans / "05.png", scans / "06.png", files[1], scans]
    decisions = matcher.check(asked)
    assert [decision.decision == "error" for decision in decisions] == [0, 1, 1, 1, 0, 1]
    assert [decision.reason for decision in decisions][1:4] == [
        "no such file",
        "truncated picture",
        "not a picture in a format that can be read",
    ]
    assert decisions[5].reason == "a folder, not a picture"
    assert decisions[1].threshold == decisions[0].threshold
    assert decisions.ids == list(map(str, asked))
    assert [decisions[0], decisions[4]] == list(matcher.check(files[:2]))


def test_a_picture_that_is_nearly_one_grey_value_has_that_as_its_reason(matcher, scans, tmp_path):
    blank = np.zeros((28, 28), np.uint8)
    Image.fromarray(blank).save(tmp_path / "blank.png")
    expected = [None, "nearly one grey value to the model, 0..0 of 255"]
    arrays = matcher.check([read_image(scans / "00.png"), blank])
    files = matcher.check([scans / "00.png", "gone.png", tmp_path / "blank.png"])
    assert [decision.reason for decision in arrays] == expected
    assert [files[0].reason, files[2].reason] == expected
    assert arrays == [files[0], files[2]]


def test_hundreds_of_paths_keep_their_places(matcher, scans):
    names = [f"{number % 40:02}.png" for number in range(300)]
    paths = [scans / name for name in names]
    decisions = matcher.check(paths)
    for name, decision in zip(names, decisions, strict=True):
        assert (decision.decision == "error") == (name in ("05.png", "06.png"))
    assert decisions[40:80] == decisions[:40]


def test_a_query_goes_on_after_a_picture_that_cannot_be_read(matcher, files, scans):
    neighbours = matcher.query(["gone.png", files[0], scans / "05.png", files[1]], k=3)
    readable = matcher.query(files[:2], k=3)
    assert neighbours.reasons == {0: "no such file", 2: "truncated picture"}
    assert [neighbours[place] for place in range(4)] == [[], readable[0], [], readable[1]]
    assert neighbours.ids[[0, 2]].tolist() == neighbours.labels[[0, 2]].tolist() == [[None] * 3] * 2
    assert np.isnan(neighbours.distances).all(axis=1).tolist() == [True, False, True, False]
    assert repr(neighbours) == "<3 nearest references of 4 pictures, 2 unreadable>"
    assert matcher.query("gone.png").reasons == {0: "no such file"}


def test_a_query_remarks_on_a_picture_that_is_nearly_one_grey_value(matcher, files):
    neighbours = matcher.query([files[0], np.zeros((28, 28), np.uint8)])
    assert neighbours.reasons == {1: "nearly one grey value to the model, 0..0 of 255"}
    assert len(neighbours[1]) == 5


def test_a_comparison_with_an_unreadable_picture_names_it(matcher, files):
    with pytest.raises(ImageError, match=r"^gone\.png cannot be read: no such file\.$"):
        matcher.compare(files[0], "gone.png")


WRONG: dict[str, tuple[Any, str]] = {
    "a colour picture as an array": (np.zeros((40, 30, 3), np.uint8), r"\(40, 30, 3\) could be"),
    "a picture with transparency": (np.zeros((40, 30, 4), np.uint8), r"\(40, 30, 4\) could be"),
    "a row of pixels": (np.zeros(784, np.uint8), r"\(h, w\) for one picture.*Received: \(784,\)"),
    "five axes": (np.zeros((1, 1, 1, 1, 1), np.uint8), r"Received: \(1, 1, 1, 1, 1\)"),
    "a number": (7, r"Expected a path.*Received: int\."),
    "nothing": (None, r"Received: NoneType\."),
    "the bytes of a file": (
        b"\x89PNG",
        r"Received: bytes\. Decode bytes with likewise\.read_image",
    ),
    "a number in a list": (["a.png", 7], r"Received: int\."),
    "rows of numbers": ([[0, 255], [0, 255]], r"Received: list\."),
    "a table": (pandas.DataFrame({"path": ["a.png"]}), r"Received: DataFrame\."),
    "a dictionary": ({"a.png": "7"}, r"Received: dict\."),
    "a data set's name": (
        "mnist/test",
        r"names many pictures: pass likewise\.records\('mnist/test'",
    ),
    "an empty text": ("", r"Received an empty text"),
    "a folder": (Path(), r"names many pictures: pass likewise\.records"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_a_picture_is_refused_in_one_sentence(matcher, name):
    pictures, sentence = WRONG[name]
    with pytest.raises(PicturesError, match=sentence) as error:
        matcher.check(pictures)
    assert isinstance(error.value, LikewiseError)
    assert isinstance(error.value, TypeError)
    with pytest.raises(PicturesError, match=sentence):
        matcher.query(pictures)
    for stream in (check_stream, query_stream):
        with pytest.raises(PicturesError, match=sentence):
            list(stream(matcher, pictures))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
@given(forms=st.lists(st.sampled_from(sorted(FORMS)), min_size=1, max_size=12))
def test_a_stream_takes_what_a_check_takes(matcher, files, forms):
    mixed = [FORMS[form](path) for form, path in zip(forms, files, strict=False)]
    decisions, neighbours = matcher.check(mixed), matcher.query(mixed)
    assert list(check_stream(matcher, iter(mixed))) == list(check_stream(matcher, mixed))
    assert list(check_stream(matcher, mixed)) == list(map(decision_row, decisions.ids, decisions))
    rows = [query_row(id, neighbours[place]) for place, id in enumerate(decisions.ids)]
    assert list(query_stream(matcher, iter(mixed))) == rows


def test_a_stream_of_paths_is_drawn_as_it_is_answered(matcher, files):
    drawn = []

    def endless():
        for path in itertools.cycle(files):
            drawn.append(path)
            yield path

    with closing(check_stream(matcher, endless(), chunk=4)) as rows:
        assert [row["id"] for row in itertools.islice(rows, 2)] == list(map(str, files[:2]))
    assert len(drawn) < 10_000


def test_a_colour_picture_in_a_list_is_one(matcher):
    assert len(matcher.check([np.zeros((40, 30, 3), np.uint8)])) == 1


def test_a_name_that_no_bundled_digit_has_is_refused(matcher):
    with pytest.raises(LikewiseError, match="00000 to 09999, not 10000"):
        matcher.check(["mnist/test/10000"])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_an_image_of_any_mode_has_the_pixels_of_its_file(mode):
    image = Image.linear_gradient("L").resize((9, 7)).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.radial_gradient("L").resize((9, 7)))
    file = io.BytesIO()
    image.save(file, "TIFF")
    np.testing.assert_array_equal(
        pillow_pixels(opened(file.getvalue())), read_image(file.getvalue())
    )


def test_the_orientation_of_an_image_is_applied():
    image = Image.linear_gradient("L").resize((9, 7))
    image.getexif()[274] = 6  # EXIF: turned by 90 degrees
    file = io.BytesIO()
    image.save(file, "JPEG", exif=image.getexif())
    turned = pillow_pixels(opened(file.getvalue()))
    assert turned.shape == read_image(file.getvalue()).shape == (9, 7)


def test_a_truncated_image_and_a_closed_one_are_unreadable(matcher, scans):
    with Image.open(scans / "00.png") as closed:
        pass
    with Image.open(scans / "05.png") as truncated:
        decisions = matcher.check([truncated, closed])
    assert [decision.decision for decision in decisions] == ["error", "error"]
    assert decisions[0].reason == "truncated picture"
    assert decisions[1].reason == "its file was closed before it was read"
    assert decisions.ids == [str(scans / "05.png"), str(scans / "00.png")]
