"""A picture that the model gives no finite numbers for is unreadable, and loses no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import likewise
from embedder.data.records import Record
from embedder.errors import EmbeddingError
from likewise.add_report import AddReport
from likewise.bulk.stream import check_stream, embed_stream
from likewise.comparison import compare_row
from likewise.errors import LikewiseError
from likewise.matcher import Matcher
from likewise.upgrading import UpgradeError, upgrade
from tests.fakes import Dividing

REASON = "the model gives no finite numbers for it"


@pytest.fixture
def dividing(tmp_path) -> Dividing:
    return Dividing(tmp_path / "model")


@pytest.fixture
def pictures(references) -> list[Record]:
    """A black picture between others."""
    black = Record("black", "0", np.zeros((28, 28), np.uint8))
    return [*references[:3], black, *references[3:6]]


def built(folder: Path, embedder: Dividing, pictures: list[Record]) -> tuple[Matcher, AddReport]:
    matcher = Matcher.create(folder / "gallery", embedder)
    return matcher, matcher.add(iter(pictures))


def test_adding_names_it_and_enrols_the_others(tmp_path, dividing, pictures):
    matcher, report = built(tmp_path, dividing, pictures)
    with matcher:
        assert (report.added, report.unreadable) == (6, [("black", REASON)])
        ids = matcher.gallery.references()[0]
        assert sorted(ids) == sorted(record.id for record in pictures if record.id != "black")


def test_checking_gives_it_a_row_of_its_own_and_the_others_their_answers(
    tmp_path, dividing, pictures
):
    matcher, _ = built(tmp_path, dividing, pictures)
    with matcher:
        options = likewise.CheckOptions(threshold=0.5, k=1)
        arrays = [record.pixels() for record in pictures]
        listed, of_arrays = matcher.check(pictures, options), matcher.check(arrays, options)
        streamed = [row["decision"] for row in check_stream(matcher, iter(pictures), options)]
    expected = [*["match"] * 3, "error", *["match"] * 3]
    assert [answer.decision for answer in listed] == streamed == expected
    assert [answer.decision for answer in of_arrays] == expected
    assert listed[3].reason == of_arrays[3].reason == REASON


def test_embedding_keeps_the_order_of_the_others(dividing, pictures):
    [(part, vectors)] = embed_stream(dividing, iter(pictures), hashed=True)
    assert part.reasons == {3: REASON}
    assert [record.id for record in part.readable] == [r.id for r in pictures if r.id != "black"]
    assert len(part.contents) == len(part.images) == len(vectors) == 6
    assert np.isfinite(vectors).all()


def test_comparing_it_is_refused_by_name(tmp_path, dividing, pictures):
    matcher, _ = built(tmp_path, dividing, pictures)
    with matcher, pytest.raises(EmbeddingError, match="no finite numbers for `b`"):
        matcher.compare(pictures[0], pictures[3])
    with pytest.raises(LikewiseError, match=r"cannot be compared: the model .* numbers for black"):
        compare_row(pictures[:1], pictures[3:4], dividing, 0.5)


def test_an_upgrade_to_such_a_model_names_it_and_changes_nothing(fake, tmp_path, pictures):
    with Matcher.create(tmp_path / "gallery", fake) as matcher:
        matcher.add(pictures)
    with pytest.raises(UpgradeError, match="1 picture cannot be read, the first black: the model"):
        upgrade(tmp_path / "gallery", Dividing(tmp_path / "dividing", "fa4e00000002"), pictures)
    with Matcher.open(tmp_path / "gallery") as matcher:
        assert len(matcher.gallery) == len(pictures)
