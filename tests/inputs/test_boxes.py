"""Boxes in lists: parts of pictures, cut out before anything else."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from embedder.data.boxes import Box
from embedder.data.content import content_hash
from embedder.data.sources import records
from embedder.errors import DatasetError, ImageError
from index.gallery import Gallery
from tests.likewise.commands.running import done, rows

PIXELS = np.arange(40 * 60, dtype=np.uint32).astype(np.uint8).reshape(40, 60)
BOXES = [(0, 0, 60, 40), (10, 5, 20, 30), (59, 39, 1, 1)]


@pytest.fixture
def picture(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def written(folder, ending, table):
    """Write a table, a dictionary for each row, as a list of this ending."""
    path, names = folder / f"list.{ending}", list(table[0])
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist(table), path)
    elif ending == "jsonl":
        path.write_text("\n".join(map(json.dumps, table)))
    else:
        mark = {"csv": ",", "tsv": "\t"}[ending]
        lines = [names, *(["" if c is None else str(c) for c in row.values()] for row in table)]
        path.write_text("\n".join(mark.join(line) for line in lines))
    return path


def row(box, **others):
    return {"path": "a.png", **others, **dict(zip("xywh", box, strict=True))}


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_each_box_of_a_list_is_a_picture_with_an_id_of_its_own(tmp_path, picture, ending):
    read = list(records(written(tmp_path, ending, [row(box, note="n") for box in BOXES])))
    assert [record.id for record in read] == [
        "a.png#0,0,60,40", "a.png#10,5,20,30", "a.png#59,39,1,1",
    ]  # fmt: skip
    for record, (x, y, w, h) in zip(read, BOXES, strict=True):
        np.testing.assert_array_equal(record.pixels(), PIXELS[y : y + h, x : x + w])
        assert dict(record.metadata) == {"note": "n"}


def test_a_column_of_ids_names_the_boxes(tmp_path, picture):
    read = records(written(tmp_path, "csv", [row(b, id=f"face {n}") for n, b in enumerate(BOXES)]))
    assert [record.id for record in read] == ["face 0", "face 1", "face 2"]


def test_rows_without_a_box_are_whole_pictures(tmp_path, picture):
    [whole, part] = records(written(tmp_path, "csv", [row([None] * 4), row(BOXES[1])]))
    assert (whole.id, whole.pixels().shape) == ("a.png", PIXELS.shape)
    assert part.pixels().shape == (30, 20)


@pytest.mark.parametrize(
    ("names", "values"),
    [
        ("x,y,width,height", "10,5,20,30"),
        ("X,Y,W,H", "10,5,20,30"),
        ("xmin,ymin,xmax,ymax", "10,5,30,35"),
        ("x_min,y_min,x_max,y_max", "10,5,30,35"),
        ("x1,y1,x2,y2", "10,5,30,35"),
        ("width,height,xmin,ymin,xmax,ymax", "60,40,10,5,30,35"),  # as TensorFlow's detectors
    ],
)
def test_the_columns_may_have_other_usual_names(tmp_path, picture, names, values):
    (tmp_path / "list.csv").write_text(f"path,{names}\na.png,{values}\n")
    [record] = records(tmp_path / "list.csv")
    assert record.id == "a.png#10,5,20,30"
    np.testing.assert_array_equal(record.pixels(), PIXELS[5:35, 10:30])


@pytest.mark.parametrize("values", ["30,5,10,35", "10,5,nan,35", "a,b,c,d"])
def test_corners_that_are_no_box_are_an_error_of_their_row(tmp_path, picture, values):
    (tmp_path / "list.csv").write_text(f"path,xmin,ymin,xmax,ymax\na.png,{values}\n")
    [record] = records(tmp_path / "list.csv")
    with pytest.raises(ImageError, match="row 1: expected a box"):
        record.pixels()


@pytest.mark.parametrize("names", ["x,y,w", "y,w,h", "xmin,ymin,xmax"])
def test_a_box_that_lacks_a_column_is_refused(tmp_path, picture, names):
    (tmp_path / "list.csv").write_text(f"path,{names}\na.png,1,2,3\n")
    with pytest.raises(DatasetError, match="of a box, but one of them is missing"):
        records(tmp_path / "list.csv")


def test_two_of_the_columns_are_further_columns(tmp_path, picture):
    (tmp_path / "list.csv").write_text("path,x,y\na.png,1,2\n")
    [record] = records(tmp_path / "list.csv")
    assert (record.box, dict(record.metadata)) == (None, {"x": "1", "y": "2"})


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_box_lies_in_the_picture_as_it_is_shown(tmp_path, orientation):
    image = Image.fromarray(PIXELS)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.png", exif=exif)
    [whole, part] = records(written(tmp_path, "csv", [row([None] * 4), row((30, 20, 10, 15))]))
    shown = whole.pixels()
    assert shown.shape == (PIXELS.shape if orientation == 3 else PIXELS.shape[::-1])
    np.testing.assert_array_equal(part.pixels(), shown[20:35, 30:40])


WRONG = {
    "beyond the right edge": ((41, 0, 20, 10), "reaches out of the picture, which is 60 pixels"),
    "beyond the lower edge": ((0, 31, 20, 10), "60 pixels wide and 40 high"),
    "before the left edge": ((-1, 0, 20, 10), "x and y of at least 0"),
    "empty": ((3, 3, 0, 5), "w and h of at least 1"),
    "a text": (("a", 0, 20, 10), "four numbers, x,y,w,h in pixels, but it is a,0,20,10"),
    "partly missing": ((None, 0, 20, 10), "four numbers"),
    "not a number": (("nan", 0, 20, 10), "four numbers"),
    "endless": ((0, 0, "inf", 10), "four numbers"),
    "huge": (
        (0, 0, 1e300, 10),
        "four numbers up to 1000000000, x,y,w,h in pixels, but it is 0,0,1e+300,10",
    ),
}


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize(("box", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_box_is_an_error_in_its_row(tmp_path, picture, fake, ending, box, sentence):
    listed = written(tmp_path, ending, [row(box), row(BOXES[1])])
    first, second = records(listed)
    with pytest.raises(ImageError, match=r"^row 1: ") as caught:
        first.pixels()
    assert sentence in str(caught.value)
    assert second.pixels().shape == (30, 20)


def test_boxes_are_enrolled_and_asked_about_as_pictures_of_their_own(tmp_path, picture, fake):
    listed = written(tmp_path, "csv", [row(box, label=n) for n, box in enumerate(BOXES)])
    assert "3 added, 0 replaced, 0 unchanged" in done("build", tmp_path / "g", listed).stderr
    assert "3 unchanged" in done("add", tmp_path / "g", listed).stderr
    with Gallery.open(tmp_path / "g") as gallery:
        content = gallery.get("a.png#10,5,20,30").content
    assert content == content_hash(np.ascontiguousarray(PIXELS[5:35, 10:30]))
    asked = written(tmp_path, "csv", [row(BOXES[1]), row((50, 0, 20, 5))])
    near, wrong = rows("query", tmp_path / "g", asked, "-k", 1)
    assert near["neighbours"][0]["id"] == "a.png#10,5,20,30"
    assert wrong["id"] == "a.png#50,0,20,5"
    assert wrong["reason"].startswith("row 2: the box 50,0,20,5 reaches out of the picture")


NUMBERS = st.floats(0, 30, allow_nan=False)


def test_one_pixel_between_two_is_one_pixel():
    assert str(Box.of([1.5, 2.5, 1, 1])) == "2,3,1,1"


@given(NUMBERS, NUMBERS, st.floats(1, 30), st.floats(1, 30))
def test_broken_pixels_are_rounded_at_each_edge(x, y, w, h):
    box = Box.of([x, y, w, h])
    edges = (box.x, box.y, box.x + box.w, box.y + box.h)
    assert edges == tuple(math.floor(edge + 0.5) for edge in (x, y, x + w, y + h))
    assert Box.of(str(box).split(",")) == box


@given(st.integers(0, 3), st.integers(0, 3), st.integers(1, 4), st.integers(1, 4))
def test_a_box_is_cut_wherever_it_fits_and_refused_elsewhere(x, y, w, h):
    pixels = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    if x + w <= 5 and y + h <= 4:
        np.testing.assert_array_equal(Box(x, y, w, h).cut(pixels), pixels[y : y + h, x : x + w])
    else:
        with pytest.raises(ImageError, match="reaches out"):
            Box(x, y, w, h).cut(pixels)
