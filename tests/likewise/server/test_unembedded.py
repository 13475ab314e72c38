"""A picture that the model gives no finite numbers for loses no other picture of a request."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from embedder.data.records import Record
from embedder.model import Embedder
from likewise.matcher import Matcher
from tests.fakes import Dividing
from tests.likewise.server.conftest import image, npy, png, serving

REASON = "the model gives no finite numbers for it"
BLACK = Record("black", "0", np.zeros((28, 28), np.uint8))


@pytest.fixture
def dividing(tmp_path, monkeypatch, references) -> Iterator[httpx.Client]:
    """A client of a server whose model divides by 0 for a black picture."""
    fake = Dividing(tmp_path / "model")
    monkeypatch.setattr(Embedder, "load", lambda path=None, *, threads=None: fake)
    with Matcher.create(tmp_path / "gallery", fake) as matcher:
        matcher.add(iter(references))
    with serving(tmp_path / "gallery") as client:
        yield client


def test_it_gets_a_row_of_its_own_among_others(dividing, references):
    pictures = [references[0], BLACK, references[1]]
    files = {"files": [("images", (record.id, png(record))) for record in pictures]}
    array = {
        "content": npy(np.stack([record.pixels() for record in pictures])),
        "headers": {"Content-Type": "application/x-npy"},
    }
    for body in (files, array):
        rows = dividing.post("/v1/check?k=1", **body).json()["rows"]
        assert [row["decision"] for row in rows] == ["match", "error", "match"]
        assert rows[1]["reason"] == REASON


def test_alone_it_is_refused(dividing):
    answer = dividing.post("/v1/check", **image(BLACK))
    assert answer.status_code == 422
    assert answer.json()["message"] == f"The picture cannot be embedded: {REASON}."


def test_enrolled_with_others_it_is_reported_and_they_are_enrolled(dividing, references):
    new = Record("new", "1", 255 - references[0].pixels())
    files = [("images", (record.id, png(record))) for record in (BLACK, new)]
    answer = dividing.post("/v1/references", files=files, data={"label": "1"})
    assert answer.json()["added"] == 1
    assert answer.json()["unreadable"] == [{"id": "black", "reason": REASON}]
    put = dividing.put("/v1/references/black?label=0", **image(BLACK))
    assert put.json()["message"] == f"The picture cannot be embedded: {REASON}."


def test_a_comparison_names_it(dividing, references):
    files = {"first": ("a.png", png(references[0])), "second": ("b.png", png(BLACK))}
    message = dividing.post("/v1/compare", files=files).json()["message"]
    assert message == (
        "The picture cannot be embedded: the model gives no finite numbers for b.png."
    )
