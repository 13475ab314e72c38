"""Pictures that are nearly one grey value: every way in reports them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embedder.preprocessing.flat import FLAT, remarks_on_flat
from likewise.matcher import Matcher
from tests.likewise.commands.running import done, failure, read, rows
from tests.likewise.server.conftest import npy, serving

GREY = "nearly one grey value to the model"
MASK = np.tri(28, dtype=np.uint8)  # 0 and 1, taken for 0..255


@pytest.fixture
def masks(tmp_path) -> Path:
    """Three digits of a folder per label: two as masks of 0 and 1, and one that is right."""
    for name, values in (("0", MASK), ("1", MASK.T), ("2", MASK * np.uint8(255))):
        path = tmp_path / "masks" / name / "0.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(values).save(path)
    return tmp_path / "masks"


def test_a_picture_is_flat_up_to_a_span_of_sixteen():
    spans = np.array([0, 1, FLAT, FLAT + 1, 255], np.uint8)
    pictures = np.stack([np.linspace(0, span, 9).reshape(3, 3).astype(np.uint8) for span in spans])
    assert list(remarks_on_flat(pictures)) == [0, 1, 2]
    assert remarks_on_flat(pictures[:0]) == {}


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_a_check_gives_the_remark_as_the_reason_in_each_format(gallery, masks, tmp_path, form):
    result = done("check", gallery, masks, "-o", tmp_path / f"rows.{form}")
    first, second, right = read(tmp_path / f"rows.{form}")
    assert [first["reason"], second["reason"]] == [f"{GREY}, 0..1 of 255"] * 2
    assert not right.get("reason")
    assert first["decision"] in ("match", "no_match")
    assert f"Warning: 0/0.png is {GREY}, 0..1 of 255, and so is 1 other" in result.stderr


def test_a_query_gives_it_beside_the_neighbours(gallery, masks):
    first, _, right = rows("query", gallery, masks)
    assert first["reason"].startswith(GREY)
    assert first["neighbours"]
    assert "reason" not in right


@pytest.mark.parametrize("command", ["build", "add", "embed"])
def test_what_makes_references_or_vectors_warns(gallery, masks, tmp_path, command):
    words = {
        "build": ("build", tmp_path / "new.gallery", masks),
        "add": ("add", gallery, masks),
        "embed": ("embed", masks, "-o", tmp_path / "vectors.npy"),
    }[command]
    assert f"0/0.png is {GREY}, 0..1 of 255, and so is 1 other: blank, or" in done(*words).stderr


def test_a_calibration_by_such_pictures_is_refused_and_leaves_nothing(gallery, masks):
    with Matcher.open(gallery) as matcher:
        before = matcher.gallery.points.all()
    message = failure("calibrate", gallery, masks, "--fpir", 0.5)
    assert "Most of the pictures are nearly one grey value: 0/0.png is nearly" in message
    with Matcher.open(gallery) as matcher:
        assert matcher.gallery.points.all() == before


def test_a_comparison_of_two_such_pictures_names_them(gallery, masks):
    a, b = masks / "0/0.png", masks / "1/0.png"
    [row] = rows("compare", a, b)
    assert row["reason"] == f"{a}: {GREY}, 0..1 of 255; {b}: {GREY}, 0..1 of 255"
    assert "reason" not in rows("compare", masks / "2/0.png", "mnist/test/00000")[0]


def test_the_python_face_gives_it_with_the_decision(gallery):
    with Matcher.open(gallery) as matcher:
        blank, right = matcher.check([MASK, MASK * np.uint8(255)])
    assert (blank.reason, right.reason) == (f"{GREY}, 0..1 of 255", None)


def test_the_service_gives_it_with_the_row(gallery, masks):
    with serving(gallery) as client:
        content = (masks / "0/0.png").read_bytes()
        for route in ("check", "query"):
            answer = client.post(
                f"/v1/{route}", content=content, headers={"Content-Type": "image/png"}
            )
            assert answer.json()["rows"][0]["reason"] == f"{GREY}, 0..1 of 255"
        # an array of masks is read as one
        answer = client.post(
            "/v1/check",
            content=npy(np.stack([MASK, MASK.T])),
            headers={"Content-Type": "application/x-npy"},
        )
        assert [row.get("reason") for row in answer.json()["rows"]] == [None, None]
        answer = client.post(
            "/v1/check",
            content=npy(MASK[None] * np.uint8(9)),
            headers={"Content-Type": "application/x-npy"},
        )
        assert answer.status_code == 422
        assert "they are 0..9: multiply them by 28.33" in answer.json()["message"]
