"""Labelled pictures as queries: refusals, references passed over, and distances by group."""

import numpy as np
import pytest

import likewise
from embedder.data.records import Record
from embedder.errors import ImageError, UnlabelledError
from index.search.nearest_groups import NearestGroups
from likewise.bulk.stream import MatcherError, query_stream
from likewise.queries import GroupDistances, Queries, QueryReader


@pytest.fixture
def reader(matcher):
    return QueryReader(matcher, "evaluation")


def test_a_missing_label_is_refused_with_the_purpose(reader, queries):
    with pytest.raises(UnlabelledError, match=r"x has no label, and evaluation compares"):
        list(reader.labelled([Record("x", None, queries[0].image)]))


def test_a_known_label_is_refused_for_an_unknown(reader, queries):
    with pytest.raises(UnlabelledError, match=f"of group '{queries[0].label}', which the gallery"):
        list(reader.unknown(queries[:1]))


def test_unknowns_lose_the_label_that_no_group_has(reader, queries):
    [batch] = reader.unknown([Record("x", "elsewhere", queries[0].image, {"lens": "macro"})])
    assert batch.labels == [None]
    assert batch.records[0].metadata == {"lens": "macro"}


def test_unreadable_pictures_are_noted_and_count_as_done(matcher, queries):
    done: list[int] = []
    reader = QueryReader(matcher, "evaluation", progress=done.append)
    damaged = Record("damaged", "1", ImageError("truncated"))
    [batch] = reader.labelled([queries[0], damaged, queries[1]])
    assert [record.id for record in batch.records] == [queries[0].id, queries[1].id]
    assert reader.unreadable == [("damaged", "truncated")]
    assert sum(done) == 3


def test_references_are_passed_over_before_their_labels_are_examined(matcher, references, queries):
    reader = QueryReader(matcher, "calibration", skip_references=True)
    unlabelled = [Record(record.id, None, record.image) for record in references[:3]]
    [batch] = reader.labelled([*unlabelled, *queries[:2]])
    assert (len(batch.records), reader.skipped) == (2, 3)


def test_equal_pictures_are_one_query_however_often_they_come(reader, queries):
    again = [Record(f"{record.id} again", record.label, record.image) for record in queries[:3]]
    strange = Record("strange", None, queries[0].image)  # the same picture, given as unknown
    [batch] = reader.labelled([*queries[:5], *again, queries[0]])
    assert batch.records == queries[:5]
    assert list(reader.unknown([strange])) == []
    repeated = [*(record.id for record in again), queries[0].id, "strange"]
    assert reader.repeated == repeated
    [line] = [line for line in reader.passed_over() if "equal" in line]
    assert line.startswith("Passed over as equal to a picture before: 5 pictures, ")


def test_a_picture_whose_equal_had_no_label_is_a_query(reader, queries):
    bare = Record("bare", None, queries[0].image)
    [batch] = reader.labelled([bare, queries[0]])
    assert batch.records == [queries[0]]


def test_no_batch_at_all_joins_to_no_queries(matcher):
    nothing = Queries.joined([], matcher.gallery.dim)
    assert nothing.records == []
    assert nothing.vectors.shape == (0, matcher.gallery.dim)


def searched(own, other, nearest, columns, groups=("a", "b", "c")):
    near = NearestGroups(
        np.array(own, np.float32),
        np.array(other, np.float32),
        np.array(nearest),
        np.zeros(len(own), np.int64),
    )
    return GroupDistances(list(groups), np.array(columns), near)


def test_a_known_query_is_mated_and_with_its_group_left_out_non_mated():
    found = searched([0.25, np.inf], [0.5, 0.125], [1, 2], [0, -1])
    assert found.known.tolist() == [0]
    assert (found.mated.own.tolist(), found.mated.other.tolist()) == ([0.25], [0.5])
    assert found.mated.labels == ["a"]
    assert (found.left_out.distances.tolist(), found.left_out.labels) == ([0.5], ["b"])
    assert (found.strangers.distances.tolist(), found.strangers.labels) == ([0.125], ["c"])
    assert found.unknown.distances.tolist() == [0.5, 0.125]


def test_a_reference_alone_in_its_group_is_not_a_mated_query_but_a_non_mated_one():
    found = searched([np.inf], [0.5], [1], [0])
    assert (len(found.mated), len(found.left_out)) == (0, 1)


def test_in_a_gallery_of_one_group_nothing_is_left_out():
    found = searched([0.25], [np.inf], [-1], [0], groups=["a"])
    assert (len(found.mated), len(found.left_out)) == (1, 0)


@pytest.mark.parametrize(
    "measure", [likewise.calibrate, likewise.evaluate, likewise.check_stream, query_stream]
)
def test_a_path_in_place_of_an_open_gallery_is_refused_with_the_way_to_open_it(measure, tmp_path):
    with pytest.raises(MatcherError, match=r"pass likewise\.open\('.*g'\)"):
        measure(tmp_path / "g", [])
