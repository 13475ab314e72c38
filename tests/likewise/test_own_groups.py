"""Each picture as a group of its own."""

from __future__ import annotations

from functools import partial

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from embedder.data.records import Record, Records
from likewise.own_groups import each_its_own

BLANK = np.zeros((2, 2), np.uint8)
NAMES = st.lists(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["", "x/", "y/", "a.png/"]),
        st.sampled_from(["a", "b", "a.png", "a.v2", "Å"]),
        st.sampled_from(["", ".png", ".JPG", ".png.jpg", ".txt"]),
    ),
    unique_by=lambda name: Record(name, None, BLANK).id,
)


def labels(*ids: str, source: str = "") -> list[str | None]:
    stream = [Record(id, "its own", BLANK, source=source) for id in ids]
    return [record.label for record in each_its_own(Records(partial(iter, stream), len(stream)))]


def test_a_picture_is_called_by_its_path_without_its_ending():
    assert labels("IMG_1.jpg", "old/IMG_1.JPEG") == ["IMG_1", "old/IMG_1"]


def test_names_that_differ_in_their_endings_alone_keep_these():
    assert labels("a.jpg", "a.png", "b.png") == ["a.jpg", "a.png", "b"]


def test_an_ending_that_no_picture_has_is_part_of_the_name():
    assert labels("mnist/test/00000", "shoe.v2", "shoe.v2.png") == [
        "mnist/test/00000", "shoe.v2", "shoe.v2.png",
    ]  # fmt: skip


@given(NAMES)
def test_no_two_pictures_share_a_label(names):
    made = labels(*names)
    assert len(set(made)) == len(names)
    assert None not in made


def test_pictures_of_one_id_are_distinguished_by_their_sources():
    stream = [Record("1.png", None, BLANK, source=source) for source in ("a", "b")]
    records = each_its_own(Records(partial(iter, stream), 2))
    assert [record.label for record in records] == ["a/1.png", "b/1.png"]


def test_a_stream_that_comes_only_once_is_labelled_too():
    once = Records(iter([Record("a.png", None, BLANK), Record("a.jpg", None, BLANK)]), 2)
    assert [record.label for record in each_its_own(once)] == ["a.png", "a.jpg"]
