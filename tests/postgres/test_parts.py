"""A gallery in PostgreSQL whose vectors are in parts, each with a connection of its own."""

from __future__ import annotations

import numpy as np
import pytest

from index.gallery import Gallery
from tests.index.parts.here import Here
from tests.index.parts.test_spread import assert_same
from tests.postgres_server import Server

pytestmark = pytest.mark.costly
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'owner'"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def filled(server: Server, vectors: np.ndarray) -> Gallery:
    gallery = Gallery.create(server.url("g"), dim=vectors.shape[1], fingerprint="3f9a1c")
    ids = [str(row) for row in range(len(vectors))]
    labels = [None if row % 7 == 0 else str(row % 5) for row in range(len(vectors))]
    gallery.add(ids, vectors, labels)
    return gallery


def test_parts_of_a_database_answer_the_same_and_follow_its_changes(postgres, rng):
    vectors = rng.normal(size=(80, 4)).astype(np.float32)
    with filled(postgres, vectors) as one, Gallery.open(postgres.url("g")) as spread:
        spread.spread(Here(postgres.url("g"), 3, 7))
        assert_same(one, spread, vectors, ["1", "2"])
        with Gallery.open(postgres.url("g")) as writer:
            writer.remove(["1", "40"])
            writer.add(["2", "late"], vectors[:2] + 1, ["0", "new"])
        assert_same(one, spread, vectors, ["2", "late"])


def test_a_snapshot_of_a_database_is_answered_although_parts_see_later_changes(postgres, rng):
    vectors = rng.normal(size=(30, 4)).astype(np.float32)
    with filled(postgres, vectors) as one, Gallery.open(postgres.url("g")) as spread:
        parts = Here(postgres.url("g"), 3, 2)
        spread.spread(parts)
        with spread.snapshot(), one.snapshot():
            with Gallery.open(postgres.url("g")) as writer:
                writer.remove(["5", "6"])
            for part, gallery in zip(parts.parts, parts.galleries, strict=True):
                assert len(gallery) == 28, "a part's own view is newer"
                assert part.state is None
            assert_same(one, spread, vectors, ["5", "6"])
        assert sorted(row.id for row in parts.lent) == ["5", "6"]


def test_parts_connect_again_after_their_connections_were_ended(postgres, rng):
    vectors = rng.normal(size=(30, 4)).astype(np.float32)
    with filled(postgres, vectors) as one, Gallery.open(postgres.url("g")) as spread:
        spread.spread(Here(postgres.url("g"), 2, 2))
        assert_same(one, spread, vectors, ["5"])
        postgres.sql(END_ALL)
        assert_same(one, spread, vectors, ["5"])
