from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from embedder.data.sources import Record
from index.decision import CheckOptions
from index.errors import EmptyGalleryError, FingerprintError, GalleryError
from likewise import decoding
from likewise.matcher import Matcher
from tests.fakes import FakeEmbedder


@pytest.fixture
def empty(tmp_path, fake):
    with Matcher.create(tmp_path / "new.gallery", fake) as matcher:
        yield matcher


def test_an_empty_gallery_says_how_to_fill_it(empty, queries):
    with pytest.raises(EmptyGalleryError, match=r"holds no references.*likewise add"):
        empty.check([queries[0].pixels()])


def test_of_a_small_gallery_all_references_answer(empty, references):
    empty.add(references[:3])
    assert empty.query([references[0].pixels()], k=5).distances.shape == (1, 3)
    assert len(empty.check([references[0].pixels()], CheckOptions(k=5))[0].neighbours) == 3


def test_a_query_agrees_with_brute_force(matcher, references, queries):
    result = matcher.query([query.pixels() for query in queries], k=4)
    enrolled = matcher.embedder.embed(np.stack([record.pixels() for record in references]))
    asked = matcher.embedder.embed(np.stack([query.pixels() for query in queries]))
    gaps = asked[:, None].astype(np.float64) - enrolled[None]  # (40, 300, 16)
    expected = np.sort(np.linalg.norm(gaps, axis=-1))[:, :4]  # (40, 4)
    np.testing.assert_allclose(result.distances, expected, atol=1e-6)


def test_a_number_of_neighbours_may_be_one_of_numpys(matcher, queries):
    [k] = np.array([3])
    one = queries[0].pixels()
    assert matcher.query([one], k).ids.tolist() == matcher.query([one], 3).ids.tolist()
    assert matcher.check([one], CheckOptions(k=k)) == matcher.check([one], CheckOptions(k=3))
    vectors = matcher.embedder.embed(np.stack([one]))
    near, same = (matcher.gallery.search(vectors, number) for number in (k, 3))
    assert near.ids.tolist() == same.ids.tolist()
    with pytest.raises(ValueError, match=r"`k` must be 1 to 300, .* Received: 0"):
        matcher.gallery.search(vectors, k - 3)


@pytest.mark.parametrize("k", [0, -1, 1.5, True])
def test_a_query_refuses_a_number_as_a_check_does_and_states_no_largest_one(matcher, queries, k):
    one = queries[0].pixels()
    with pytest.raises(ValueError, match=r"`k` must be a whole number >= 1\. Received: "):
        matcher.query([one], k)
    assert len(matcher.query([one], 301)[0]) == 300


def test_compare_gives_the_distance_that_a_search_gives(matcher, references, queries):
    query = queries[0].pixels()
    nearest = matcher.query([query], k=1)[0][0]
    reference = next(record for record in references if record.id == nearest.id)
    assert matcher.compare(query, reference.pixels()) == pytest.approx(nearest.distance, abs=1e-6)
    assert matcher.compare(query, query) == 0.0


def test_a_reference_finds_itself_at_exactly_zero(matcher, references):
    nearest = matcher.query([references[7].pixels()], k=1)[0][0]
    assert (nearest.id, nearest.distance) == (references[7].id, 0.0)


def test_a_gallery_with_another_model_in_it_is_refused_with_both_names(gallery, fake):
    fake.fingerprint = "0therm0de1"
    with pytest.raises(FingerprintError, match=r"fa4e00000001.*0therm0de1"):
        Matcher.open(gallery)


def test_creating_a_gallery_where_one_is_fails(gallery, fake):
    with pytest.raises(GalleryError, match=r"digits\.gallery"):
        Matcher.create(gallery, fake)


def test_large_pictures_are_prepared_a_few_at_a_time_with_the_same_result(
    tmp_path, queries, monkeypatch
):
    fake = FakeEmbedder(tmp_path / "model")
    together = decoding.decode(queries, fake, hashed=True)
    monkeypatch.setattr(decoding, "_MAX_WAITING", 2000)
    apart = decoding.decode(queries, fake, hashed=True)
    np.testing.assert_array_equal(together.images, apart.images)
    assert together.contents == apart.contents


def test_a_missing_file_is_a_reason_and_no_picture(tmp_path):
    gone = Record("gone.png", None, Path("gone.png"))
    decoded = decoding.decode([gone], FakeEmbedder(tmp_path / "model"))
    assert (decoded.reasons, decoded.images.shape) == ({0: "no such file"}, (0, 28, 28))
