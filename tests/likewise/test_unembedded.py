"""A picture that the model gives no finite numbers for is unreadable, and loses no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import likewise
from embedder.data.records import Record
from likewise.add_report import AddReport
from likewise.bulk.stream import check_stream, embed_stream
from likewise.matcher import Matcher
from tests.fakes import FakeEmbedder

REASON = "the model gives no finite numbers for it"


class Dividing(FakeEmbedder):
    """Divides by the length of the embedding, which is 0 for a black picture."""

    def embed(self, images: np.ndarray) -> np.ndarray:
        vectors = super().embed(images)
        with np.errstate(invalid="ignore"):
            return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


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
        listed = [answer.decision for answer in matcher.check(pictures, options)]
        streamed = [row["decision"] for row in check_stream(matcher, iter(pictures), options)]
    assert listed == streamed == [*["match"] * 3, "error", *["match"] * 3]


def test_embedding_keeps_the_order_of_the_others(dividing, pictures):
    [(part, vectors)] = embed_stream(dividing, iter(pictures), hashed=True)
    assert part.reasons == {3: REASON}
    assert [record.id for record in part.readable] == [r.id for r in pictures if r.id != "black"]
    assert len(part.contents) == len(part.images) == len(vectors) == 6
    assert np.isfinite(vectors).all()
