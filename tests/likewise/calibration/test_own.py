"""A gallery whose model brings no threshold measures one on itself."""

from __future__ import annotations

import numpy as np
import pytest

from index.decision import CheckOptions
from index.errors import GalleryError
from index.gallery import Gallery
from index.operating_point import OWN
from likewise.calibration.own import measure_own

DIM = 8


@pytest.fixture
def gallery(tmp_path):
    with Gallery.create(tmp_path / "own.gallery", dim=DIM, fingerprint="0123456789ab") as gallery:
        yield gallery


def groups(count, each, *, spread=0.2, seed=0):
    """Vectors around `count` centres, `each` of them, with their labels."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(count, DIM))
    vectors = np.repeat(centres, each, axis=0) + random.normal(0, spread, (count * each, DIM))
    return vectors.astype(np.float32), [f"g{place // each}" for place in range(count * each)]


def fill(gallery, vectors, labels, prefix="r"):
    gallery.add([f"{prefix}{place}" for place in range(len(labels))], vectors, labels)


def nearest_of_another_group(vectors, labels):
    gaps = np.linalg.norm(vectors[:, None].astype(np.float64) - vectors, axis=-1)
    gaps[np.array(labels)[:, None] == np.array(labels)] = np.inf
    return gaps.min(axis=1).astype(np.float32)


def measured_point(gallery):
    point = measure_own(gallery).point
    assert point is not None
    return point


def test_at_most_the_target_share_of_references_matches_another_group(gallery):
    vectors, labels = groups(20, 20)  # 400 unknowns support an FPIR of 3 / 400 < 0.01
    fill(gallery, vectors, labels)
    point = measured_point(gallery)
    within = nearest_of_another_group(vectors, labels) <= point.threshold
    assert (point.target, point.queries) == (0.01, 400)
    assert point.false == within.sum() <= 0.01 * 400
    assert gallery.points.default == OWN


def test_few_references_support_a_larger_rate_only(gallery):
    vectors, labels = groups(5, 8)  # 3 / 40 = 0.075
    fill(gallery, vectors, labels)
    assert measured_point(gallery).target == 0.1


def test_a_near_copy_is_not_asked(gallery):
    vectors, labels = groups(10, 10)
    fill(gallery, vectors, labels)
    fill(gallery, vectors[:3] + np.float32(1e-4), labels[:3], prefix="copy")
    measured = measure_own(gallery)
    assert measured.copies == 6  # three and their copies
    assert gallery.points[OWN].queries == 103 - 6
    assert "6 that have a near copy" in measured.sentence("g")


def test_compact_groups_are_not_taken_for_copies(gallery):
    fill(gallery, *groups(10, 10, spread=0.001))
    assert measure_own(gallery).copies == 0


def test_the_sentence_has_counts_interval_and_the_command_that_does_better(gallery):
    fill(gallery, *groups(20, 20))
    measured = measure_own(gallery)
    sentence = measured.sentence("my.gallery")
    assert f"{gallery.points[OWN].false} of 400 unknowns" in sentence
    assert "95 %:" in sentence
    assert sentence.endswith("likewise calibrate my.gallery DATA --fpir 0.01.")
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("count", "each", "reason"),
    [
        (1, 40, "the gallery has one group"),
        (40, 1, "no group has two pictures"),
        (5, 5, "it takes 30 different pictures, and the gallery has 25"),
    ],
)
def test_where_there_are_too_few_the_sentence_says_why_and_what_to_do(gallery, count, each, reason):
    fill(gallery, *groups(count, each))
    measured = measure_own(gallery)
    assert measured.point is None
    assert reason in measured.sentence("g")
    assert "likewise calibrate g DATA" in measured.sentence("g")
    with pytest.raises(GalleryError, match=r"measure one .*, or give `check` a threshold"):
        gallery.check(np.zeros((1, DIM), np.float32), CheckOptions())


def test_equal_pictures_in_different_groups_are_named_as_the_reason(gallery):
    vectors, labels = groups(10, 10)
    vectors[50:100] = vectors[:50]
    fill(gallery, vectors, labels)
    assert "equal pictures lie in different groups" in measure_own(gallery).sentence("g")


def test_the_same_references_give_the_same_threshold(gallery, tmp_path):
    vectors, labels = groups(60, 40)  # 2400: more than are asked
    fill(gallery, vectors, labels)
    with Gallery.create(tmp_path / "again", dim=DIM, fingerprint="0123456789ab") as again:
        fill(again, vectors, labels)
        first, second = measured_point(gallery), measured_point(again)
    assert first.threshold == second.threshold
    assert first.queries == second.queries == 2000


def test_a_model_that_gives_one_vector_for_all_is_named_as_the_reason(gallery):
    vectors, labels = groups(10, 10)
    fill(gallery, np.ones_like(vectors), labels)
    sentence = measure_own(gallery).sentence("g")
    assert "by this model each picture is a near copy of another of its group" in sentence
