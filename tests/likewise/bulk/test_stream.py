from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedder.data.sources import Record, records
from index.decision import CheckOptions, Decision, Rule
from index.gallery import Gallery
from index.operating_point import OperatingPoint
from likewise import decoding
from likewise.bulk import stream as bulk
from likewise.bulk.stream import check_stream, query_stream
from likewise.bulk.summary import Summary
from likewise.matcher import Matcher
from likewise.output.rows import shortest

same_gallery = settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.costly
@same_gallery
@given(chunk=st.integers(1, 50), start=st.integers(0, 39))
def test_a_row_depends_on_its_picture_alone(matcher, queries, chunk, start):
    whole = list(check_stream(matcher, queries))
    assert list(check_stream(matcher, queries[start:], chunk=chunk)) == whole[start:]


def test_pictures_that_are_slow_to_read_give_the_same_rows(matcher, queries, monkeypatch):
    whole = list(check_stream(matcher, queries))
    monkeypatch.setattr(bulk, "_SECONDS", 0.0)
    monkeypatch.setattr(decoding, "_PART", 3)
    assert list(check_stream(matcher, queries)) == whole


def test_the_more_neighbours_the_fewer_pictures_are_asked_at_once(matcher, queries, monkeypatch):
    whole = list(check_stream(matcher, queries, CheckOptions(k=5)))
    asked: list[int] = []
    decide = matcher.gallery.decide

    def counted(vectors: np.ndarray, k: int, rule: Rule) -> list[Decision]:
        asked.append(len(vectors))
        return decide(vectors, k, rule)

    monkeypatch.setattr(bulk, "NEIGHBOURS_AT_ONCE", 10)  # of two pictures at k = 5
    monkeypatch.setattr(matcher.gallery, "decide", counted)
    assert list(check_stream(matcher, queries, CheckOptions(k=5))) == whole
    assert asked == [2] * 20


def test_rows_say_what_check_says(matcher, queries):
    rows = list(check_stream(matcher, queries, CheckOptions(k=3)))
    decisions = matcher.check([query.pixels() for query in queries], CheckOptions(k=3))
    assert [row["id"] for row in rows] == [query.id for query in queries]
    for row, decision in zip(rows, decisions, strict=True):
        assert (row["decision"], row["label"]) == (decision.decision, decision.label)
        assert row["distance"] == shortest([decision.distance])[0]
        assert [near["id"] for near in row["neighbours"]] == [n.id for n in decision.neighbours]


def test_an_unreadable_picture_is_a_row_in_its_place(matcher, scans):
    rows = list(check_stream(matcher, records(scans), chunk=4))
    assert [row["id"] for row in rows] == [f"{place:02}.png" for place in range(40)]
    assert [row["id"] for row in rows if row["decision"] == "error"] == ["05.png", "06.png"]
    assert rows[5]["neighbours"] == []
    assert rows[5]["reason"].startswith("truncated")
    assert "reason" not in rows[4]


def test_a_stream_of_nothing_readable_is_a_stream_of_errors(matcher):
    gone = [Record(f"{place}.png", None, Path("gone.png")) for place in range(5)]
    rows = list(check_stream(matcher, gone, chunk=2))
    assert [(row["decision"], row["reason"]) for row in rows] == [("error", "no such file")] * 5


def test_inputs_with_one_id_keep_their_order(matcher, queries):
    twins = [replace(query, id="twin") for query in queries[:4]]
    rows = list(check_stream(matcher, twins, chunk=3))
    plain = list(check_stream(matcher, queries[:4]))
    assert [row["neighbours"] for row in rows] == [row["neighbours"] for row in plain]


def test_a_threshold_of_zero_leaves_only_the_references_themselves(matcher, references, queries):
    rows = list(check_stream(matcher, [references[3], *queries], CheckOptions(threshold=0.0)))
    assert [row["decision"] for row in rows] == ["match"] + ["no_match"] * len(queries)
    assert rows[1]["threshold"] == 0.0


def test_a_group_is_answered_for_alone(matcher, references):
    five, zero = references[0], references[1]  # MNIST begins with a 5 and a 0
    rows = list(check_stream(matcher, [five, zero], CheckOptions(group="5")))
    assert [row["decision"] for row in rows] == ["match", "no_match"]


def test_an_unknown_group_is_refused_by_name(matcher, queries):
    with pytest.raises(ValueError, match="'cat'"):
        list(check_stream(matcher, queries, CheckOptions(group="cat")))


def test_a_wide_margin_makes_close_calls_ambiguous(matcher, queries):
    rows = list(check_stream(matcher, queries, CheckOptions(min_margin=10.0)))
    close = [row for row in rows if row["decision"] == "ambiguous"]
    assert close
    assert all(row["runner_up_label"] is not None for row in close)


def test_a_query_row_has_neighbours_or_a_reason(matcher, scans):
    rows = list(query_stream(matcher, records(scans), CheckOptions(k=2), chunk=3))
    assert [len(row["neighbours"]) for row in rows] == [0 if p in (5, 6) else 2 for p in range(40)]
    assert [row["id"] for row in rows if "reason" in row] == ["05.png", "06.png"]


def test_a_summary_counts_by_decision():
    summary = Summary()
    decisions = ["match", "error", "match", "no_match"]
    list(summary.counted([{"decision": decision} for decision in decisions]))
    assert summary.sentence().startswith("4 pictures: 2 match, 1 no_match, 0 ambiguous, 1 unre")


def test_a_point_that_is_stored_meanwhile_is_used_from_the_next_stream_on(matcher, queries):
    stream = check_stream(matcher, queries, chunk=1)
    first = next(stream)
    matcher.gallery.points.store("strict", OperatingPoint(threshold=0.25))
    assert {row["threshold"] for row in [first, *stream]} == {0.5}
    assert {row["threshold"] for row in check_stream(matcher, queries)} == {0.25}


def test_each_answer_is_of_one_moment_of_a_gallery_that_becomes_smaller(
    matcher, queries, monkeypatch
):
    count = Gallery.neighbours_of

    def just_before_a_removal(gallery: Gallery, k: int) -> int:
        found = count(gallery, k)
        with Gallery.open(gallery.path) as other:  # as another process would
            other.remove(list(other.ids())[3:])
        return found

    vectors = matcher.embedder.embed(np.stack([queries[0].pixels()]))
    options = CheckOptions(k=5, threshold=1.0)
    for ask in (check_stream, query_stream):
        rows = ask(matcher, queries[:1], options)
        with monkeypatch.context() as patch:
            patch.setattr(Gallery, "neighbours_of", just_before_a_removal)
            assert [len(row["neighbours"]) for row in rows] == [5]
        matcher.gallery.add(*more(matcher, "abcdef"))
    monkeypatch.setattr(Gallery, "neighbours_of", just_before_a_removal)
    assert len(matcher.decide(vectors, options)[0].neighbours) == 5


def more(matcher: Matcher, ids: str) -> tuple[list[str], np.ndarray, list[str]]:
    """References to add: ids, vectors and labels."""
    return list(ids), np.ones((len(ids), matcher.gallery.dim), np.float32), list(ids)
