"""A gallery of format 1 must always open."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from index.decision import CheckOptions
from index.gallery import Gallery
from index.search import derived

GOLDEN = Path(__file__).parents[1] / "data" / "gallery_v1"


@pytest.fixture
def golden(tmp_path: Path) -> Iterator[Gallery]:
    shutil.copytree(GOLDEN, tmp_path / "gallery_v1")
    with Gallery.open(tmp_path / "gallery_v1", fingerprint="3f9a1c") as gallery:
        yield gallery


def test_it_holds_what_was_added(golden: Gallery) -> None:
    golden.verify()
    assert list(golden.ids()) == ["a", "b", "c", "d", "é"]
    assert golden.labels == {"one": 2, "two": 2, "zero": 1}
    assert (golden.dim, golden.generation) == (2, 3)
    assert golden.points["eer"].to_json() == {"threshold": 0.75, "fmr": 0.01, "fnmr": 0.01}
    assert list(golden.points.all()) == ["eer"]
    assert (golden.model_path / "model.json").read_text() == "{}\n"


def test_its_references_come_back(golden: Gallery) -> None:
    sparse, deflated = golden.get("d"), golden.get("é")
    assert (sparse.metadata, sparse.content) == ({"place": 3}, b"3" * 16)
    assert sparse.picture is not None
    assert deflated.picture is not None
    assert sparse.picture.tolist() == [[0] * 4, [0] * 4, [0] * 4, [200] * 4]
    assert deflated.picture.ravel().tolist() == list(range(100, 116))


def test_its_index_is_used_as_it_is(golden: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derived.DerivedIndex, "_append_rows", None)  # would read the store
    result = golden.search(np.zeros((1, 2), np.float32), 5)
    assert result.ids.tolist() == [["a", "b", "c", "d", "é"]]
    assert result.distances.tolist() == [[0, 1, 1, np.float32(np.sqrt(2)), 5]]


def test_it_may_be_added_to(golden: Gallery) -> None:
    golden.add(["new"], np.array([[0, 0.5]], np.float32), ["one"])
    [answer] = golden.check(np.array([[0, 0.75]], np.float32), CheckOptions(k=3))
    assert (answer.decision, answer.label, answer.distance) == ("match", "one", 0.25)
