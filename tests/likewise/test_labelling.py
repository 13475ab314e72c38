"""A caller's pictures and labels become references."""

from __future__ import annotations

from itertools import count, islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.data.content import content_hash
from embedder.data.sources import Record, records
from embedder.errors import UnlabelledError
from likewise.labelling import LabelsError, labelled_records
from likewise.matcher import Matcher

BLANK = np.zeros((28, 28), np.uint8)


@pytest.fixture
def empty(tmp_path, fake):
    with Matcher.create(tmp_path / "new.gallery", fake) as matcher:
        yield matcher


def test_arrays_with_their_labels_are_added(empty, references):
    pixels = np.stack([record.pixels() for record in references[:6]])
    labels = np.array([int(str(record.label)) for record in references[:6]])
    ids = [f"digit {place}" for place in range(6)]
    assert empty.add(pixels, labels=labels, ids=ids).added == 6
    assert list(empty.gallery.ids()) == ids
    assert [empty.gallery.get(id).label for id in ids] == list(map(str, labels))


def test_paths_are_their_own_ids_and_one_label_is_that_of_all(empty, scans):
    paths = [scans / "00.png", str(scans / "01.png")]
    assert empty.add(paths, labels="scanned").added == 2
    assert list(empty.gallery.ids()) == list(map(str, paths))
    assert empty.gallery.labels == {"scanned": 2}


def test_an_array_is_named_by_its_content_so_that_no_other_takes_its_place(empty, queries):
    first, second = queries[0].pixels(), queries[1].pixels()
    assert empty.add(first, labels="a").added == 1
    assert empty.add([second], labels=["b"]).added == 1
    assert empty.add([first, second], labels=["a", "b"]).unchanged == 2
    assert set(empty.gallery.ids()) == {content_hash(first).hex(), content_hash(second).hex()}


def test_a_label_takes_the_place_of_a_records_own(empty, references):
    assert empty.add(references[:2], labels=["x", None]).added == 2
    assert sorted(empty.gallery.labels) == sorted(["x", str(references[1].label)])


def test_unreadable_pictures_are_reported_and_the_others_added(empty, scans):
    report = empty.add([scans / "00.png", scans / "06.png", "gone.png"], labels=["a", "b", "c"])
    assert report.added == 1
    assert [reason for _, reason in report.unreadable] == [
        "not a picture in a format that can be read",
        "no such file",
    ]


def test_a_stream_with_one_label_is_never_held():
    endless = (Record(f"{number}", None, BLANK) for number in count())
    assert [record.label for record in islice(labelled_records(endless, "x"), 3)] == ["x"] * 3


@pytest.mark.parametrize(
    ("labels", "ids", "sentence"),
    [
        (["a"], None, r"Expected 2 labels, one for each picture\. Received: 1\."),
        (["a", "b", "c"], None, r"Expected 2 labels.*Received: 3\."),
        ("a", ["x"], r"Expected 2 ids.*Received: 1\."),
        ("a", "xy", r"Expected 2 ids.*Received: 1\."),  # a text is one id, not one for each letter
    ],
)
def test_another_number_of_labels_or_ids_is_refused(labels, ids, sentence):
    with pytest.raises(LabelsError, match=sentence):
        labelled_records([BLANK, BLANK], labels, ids)


@pytest.mark.parametrize("values", [{"a", "b"}, {"a": 1, "b": 2}, frozenset("ab"), {"a": 1}.keys()])
def test_labels_and_ids_without_an_order_of_the_pictures_are_refused(values):
    with pytest.raises(LabelsError, match="Expected a list of labels, in the order"):
        labelled_records([BLANK, BLANK], values)
    with pytest.raises(LabelsError, match="Expected a list of ids, in the order"):
        labelled_records([BLANK, BLANK], "x", values)


@pytest.mark.parametrize("label", [("a", "b"), [1, 0], np.array([0, 1]), {"cat": 1}])
def test_a_label_of_several_parts_is_refused(empty, label):
    with pytest.raises(LabelsError, match=r"Expected a text or a number as a label\. Received: "):
        empty.add([BLANK], labels=[label])


def test_whole_numbers_are_ids_too_and_0_is_one(empty, queries):
    empty.add([query.pixels() for query in queries[:3]], labels="a", ids=np.arange(3))
    assert list(empty.gallery.ids()) == ["0", "1", "2"]


@pytest.mark.parametrize("pictures", ["seven.png", ["seven.png"], BLANK, [BLANK]])
def test_pictures_without_labels_are_refused_with_the_remedy(empty, pictures):
    with pytest.raises(UnlabelledError, match=r"has no label.*pass labels="):
        empty.add(pictures)
    assert len(empty.gallery) == 0


@pytest.mark.parametrize("missing", [None, "", float("nan"), np.float32("nan")])
def test_a_missing_label_among_others_is_refused(empty, missing):
    with pytest.raises(UnlabelledError, match="b has no label"):
        empty.add([BLANK, BLANK], labels=["x", missing], ids=["a", "b"])


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=9))
def test_whole_numbers_of_any_type_are_the_same_labels(numbers):
    pictures = [BLANK] * len(numbers)
    expected = list(map(str, numbers))
    for labels in (numbers, expected, np.array(numbers, np.int8), np.array(numbers, np.float32)):
        assert [record.label for record in labelled_records(pictures, labels)] == expected


def test_records_of_a_data_set_are_added_as_they_stream(empty):
    assert empty.add(islice(records("mnist/train"), 3)).added == 3


@pytest.mark.parametrize("as_stream", [False, True])
def test_records_lose_their_labels_where_they_are_to_have_none(empty, references, as_stream):
    pictures = iter(references[:3]) if as_stream else references[:3]
    assert empty.add(pictures, unlabelled=True).added == 3
    assert (empty.gallery.labels, empty.gallery.count_unlabelled()) == ({}, 3)


def test_arrays_need_no_labels_where_they_are_to_have_none(empty, references):
    pixels = np.stack([record.pixels() for record in references[:2]])
    assert empty.add(pixels, ids=["a", "b"], unlabelled=True).added == 2
    assert empty.add(pixels[:1], unlabelled=True).added == 1
    assert empty.query(pixels[:1], k=1).labels.tolist() == [[None]]


def test_each_picture_can_be_a_group_of_its_own(empty, scans):
    empty.add([scans / "00.png", scans / "01.png"], label_each=True)
    assert list(empty.gallery.labels) == [str(scans / "00"), str(scans / "01")]


@pytest.mark.parametrize("words", [{"labels": "a"}, {"label_each": True}])
def test_two_kinds_of_labels_are_refused(empty, scans, words):
    with pytest.raises(LabelsError, match="Give one of `labels`"):
        empty.add([scans / "00.png"], unlabelled=True, **words)


@pytest.mark.parametrize("kind", ["string", "object", "Int64", "datetime64[ns]"])
def test_a_missing_value_of_pandas_is_no_label_whatever_its_column(empty, queries, kind):
    pandas = pytest.importorskip("pandas")
    values = {"Int64": [1, None], "datetime64[ns]": ["2026-01-01", None]}.get(kind, ["cat", None])
    pictures = [record.pixels() for record in queries[:2]]
    with pytest.raises(UnlabelledError, match="has no label"):
        empty.add(pictures, labels=pandas.Series(values, dtype=kind))
