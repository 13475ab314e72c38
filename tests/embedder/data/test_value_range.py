"""Ranges of pixel values as people save them: each way in gives the intended pictures."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embedder.data.images import read_image
from embedder.data.sources import records
from embedder.data.value_range import TOO_FEW, SetRange, ValueRange, range_of
from embedder.errors import DatasetError, ImageError
from tests.embedder.data.sources import idx, pixels

GREYS = np.arange(2 * 20 * 20).reshape(2, 20, 20) % 256  # two pictures of all greys
MASKS = GREYS > 127
BLACK_AND_WHITE = MASKS * np.uint8(255)


def stray(values: np.ndarray, value: float) -> np.ndarray:
    values = values.copy()
    values[1, 3, 4] = value
    return values


RIGHT: dict[str, tuple[np.ndarray, np.ndarray]] = {
    "bool": (MASKS, BLACK_AND_WHITE),
    "0 and 1 as uint8": (MASKS.astype(np.uint8), BLACK_AND_WHITE),
    "0 and 1 as int8": (MASKS.astype(np.int8), BLACK_AND_WHITE),
    "0 and 1 as int64": (MASKS.astype(np.int64), BLACK_AND_WHITE),
    "0 and 1 as float16": (MASKS.astype(np.float16), BLACK_AND_WHITE),
    "0 and 255": (BLACK_AND_WHITE, BLACK_AND_WHITE),
    "uint8": (GREYS.astype(np.uint8), GREYS),
    "int64": (GREYS, GREYS),
    "0..255 as float32": (GREYS.astype(np.float32), GREYS),
    "0..1": (GREYS / 255, GREYS),
    "0..1 as float32": ((GREYS / 255).astype(np.float32), GREYS),
    "a hair above 1": (stray(GREYS / 255, 1.000001), stray(GREYS, 255)),
    "the overshoot of cubic resizing of 0..1": (stray(GREYS / 255, 1.13), stray(GREYS, 255)),
    "a hair below 0": (stray(GREYS / 255, -1e-7), stray(GREYS, 0)),
    "the undershoot of cubic resizing": (stray(GREYS / 255, -0.1), stray(GREYS, 0)),
    "a hair above 255": (stray(GREYS.astype(float), 255.0001), stray(GREYS, 255)),
    "the overshoot of cubic resizing of 0..255": (stray(GREYS * 1.0, 281.0), stray(GREYS, 255)),
    "10 bits in uint16": (GREYS.astype(np.uint16) * 4, GREYS),
    "12 bits in uint16": (GREYS.astype(np.uint16) * 16, GREYS),
    "14 bits in uint16": (GREYS.astype(np.uint16) * 64, GREYS),
    "16 bits": (GREYS.astype(np.uint16) * 257, GREYS),
    "16 bits of the other byte order": ((GREYS * 257).astype(">u2"), GREYS),
    "16 bits as int64": (GREYS * 257, GREYS),
    "16 bits as float": (GREYS * 257.0, GREYS),
    "nothing but 0": (GREYS * 0, GREYS * 0),
}
WRONG: dict[str, tuple[np.ndarray, str]] = {
    "0..16, as scikit-learn's digits": (GREYS / 255 * 16, r"0\.\.16: multiply them by 15\.94"),
    "labels of 0..9": (GREYS % 10, r"0\.\.9: multiply them by 28\.33"),
    "4 bits": ((GREYS // 16).astype(np.uint8), r"0\.\.15: multiply them by 17 before saving"),
    "-1..1": (GREYS / 127.5 - 1, r"-1\.\.1: scale them to 0\.\.255 before saving"),
    "mean 0, deviation 1": ((GREYS - 128) / 74, r"-1\.73\.\.1\.716: scale them to 0\.\.255"),
    "signed bytes": ((GREYS - 128).astype(np.int8), "row 0 holds -128: scale it"),
    "NaN": (stray(GREYS / 255, np.nan), "row 1 holds nan: scale it"),
    "infinity": (stray(GREYS / 255, np.inf), "row 1 holds inf: scale it"),
    "more than 16 bits": (GREYS * 1000, "row 0 holds 66000: scale it"),
    "one bright value in 0..1": (
        stray(GREYS / 255, 200),
        r"nearly all are 0\.\.1, and row 1 holds",
    ),
    "one bright value in masks": (stray(MASKS * 1, 255), r"nearly all are 0\.\.1, and row 1 holds"),
}


def npz(folder: Path, values: np.ndarray) -> Path:
    np.savez(folder / "set.npz", images=values)
    return folder / "set.npz"


def csv(folder: Path, values: np.ndarray) -> Path:
    names = ",".join(f"pixel{place}" for place in range(values[0].size))
    lines = [",".join(map(str, row.ravel().tolist())) for row in values]
    (folder / "set.csv").write_text("\n".join([names, *lines]) + "\n")
    return folder / "set.csv"


@pytest.mark.parametrize("form", RIGHT)
def test_an_array_in_any_usual_range_gives_the_pictures_that_were_meant(tmp_path, form):
    values, meant = RIGHT[form]
    np.testing.assert_allclose(
        pixels(npz(tmp_path, values)), meant, atol=1 if "bits" in form else 0
    )


@pytest.mark.parametrize("form", WRONG)
def test_an_array_in_another_range_is_refused_with_its_values_and_what_to_do(tmp_path, form):
    values, message = WRONG[form]
    with pytest.raises(DatasetError, match=message):
        list(records(npz(tmp_path, values)))


@pytest.mark.parametrize(
    "form",
    ["0 and 1 as uint8", "0 and 255", "uint8", "0..255 as float32", "0..1", "nothing but 0"],
)
def test_a_table_of_pixels_is_read_as_the_array_is(tmp_path, form):
    values, meant = RIGHT[form]
    np.testing.assert_array_equal(pixels(csv(tmp_path, values)), meant)


def test_idx_files_of_masks_become_black_and_white(tmp_path):
    (tmp_path / "masks").write_bytes(idx(MASKS.astype(np.uint8)))
    np.testing.assert_array_equal(pixels(tmp_path / "masks"), BLACK_AND_WHITE)


def test_the_first_pictures_decide_and_later_ones_of_another_range_are_refused():
    masks = SetRange("set.idx")
    assert masks.to_8_bits(np.zeros((1, 2, 2), np.uint8)).max() == 0  # decides nothing
    assert masks.to_8_bits(np.ones((1, 2, 2), np.uint8), 1).max() == 255
    with pytest.raises(DatasetError, match=r"set.idx .* row 7 holds 2: scale it"):
        masks.to_8_bits(np.full((1, 2, 2), 2, np.uint8), 7)
    whole = SetRange("set.idx")
    assert whole.to_8_bits(np.full((1, 2, 2), 200, np.uint8)).max() == 200
    assert whole.to_8_bits(np.ones((1, 2, 2), np.uint8), 1).max() == 1


def picture(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "TIFF")
    return stream.getvalue()


SINGLE = {
    "0..1, a hair above": (stray(GREYS / 255, 1.000001)[1].astype(np.float32), 255),
    "0..255, a hair above": (stray(GREYS * 1.0, 255.5)[1].astype(np.float32), 255),
    "0 and 1 in 16 bits": (MASKS[1].astype(np.uint16), 255),
    "8 bits in 16": (GREYS[1].astype(np.uint16), 255),
    "12 bits in 32": ((GREYS[1] * 16).astype(np.int32), 254),
}


@pytest.mark.parametrize("form", SINGLE)
def test_a_deep_picture_keeps_its_range(form):
    values, lightest = SINGLE[form]
    assert read_image(picture(values)).max() == lightest


@pytest.mark.parametrize("values", [GREYS[0] / 255 * TOO_FEW, GREYS[0] / 127.5 - 1, GREYS[0] % 10])
def test_a_deep_picture_in_another_range_is_unreadable(values):
    kind = np.int32 if values.dtype == int else np.float32
    with pytest.raises(ImageError, match=r"expected values of 0\.\.1 or 0\.\.255, but they are"):
        read_image(picture(values.astype(kind)))


def test_a_dark_pgm_is_scaled_by_the_range_in_its_header():
    samples = np.array([0, 1000], ">u2").tobytes()
    np.testing.assert_array_equal(read_image(b"P5 2 1 65535 " + samples), [[0, 4]])  # 1000 / 257
    np.testing.assert_array_equal(read_image(b"P5 2 1 1000 " + samples), [[0, 255]])


def test_a_range_is_the_smallest_that_holds_the_values():
    for top, full in ((0, 1), (1, 1), (17, 255), (255, 255), (256, 1023), (16383, 16383)):
        assert range_of(0, top, integers=True) == ValueRange(full)
    assert range_of(0, 70_000, integers=True).to_8_bits(np.array([70_000])).tolist() == [255]
