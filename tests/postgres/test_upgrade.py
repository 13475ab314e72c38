"""A gallery in PostgreSQL gets another model in its place: whole or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from embedder.data.records import Record
from embedder.manifest import write_manifest
from index.address import cache_folder
from index.errors import BusyError, ReplacedError
from index.gallery import Gallery
from likewise.matcher import Matcher
from likewise.upgrading import UpgradeError, upgrade
from tests.fakes import FakeEmbedder
from tests.postgres_server import Server

EVERYTHING = "SELECT id, label, metadata, content FROM likewise_digits.reference ORDER BY id"


class Brighter(FakeEmbedder):
    """Another model: every distance is three times as large."""

    def embed(self, images):
        return 3 * super().embed(images)


class Failing(Brighter):
    """A model that fails once it has embedded its second batch."""

    def embed(self, images):
        if self.embedded:
            raise MemoryError("no more pictures")
        return super().embed(images)


def described(embedder: FakeEmbedder) -> FakeEmbedder:
    """Write how a fake prepares pictures, as a model's directory says it."""
    fields = {"preprocessing": embedder.preprocessing, "input_shape": embedder.input_shape}
    write_manifest(embedder.path, {"format": 1, **fields})
    return embedder


@pytest.fixture
def new(tmp_path) -> FakeEmbedder:
    return described(Brighter(tmp_path / "brighter", "b419472e0003"))


@pytest.fixture
def data(references) -> list[Record]:
    return [replace(record, metadata={"place": n}) for n, record in enumerate(references[:300])]


@pytest.fixture
def digits(postgres: Server, tmp_path, data) -> str:
    """The address of a gallery of 300 digits by the old model."""
    with Matcher.create(
        postgres.url("digits"), described(FakeEmbedder(tmp_path / "old"))
    ) as matcher:
        matcher.add(data)
        matcher.gallery.remove([data[-1].id])
    return postgres.url("digits")


def test_names_stay_and_vectors_are_those_of_the_new_model(digits, new, data, postgres):
    before = postgres.sql(EVERYTHING)
    report = upgrade(digits, new)
    assert report.from_gallery == 299  # one of 300 was removed
    assert postgres.sql(EVERYTHING) == before
    with Gallery.open(digits, fingerprint=new.fingerprint) as gallery:
        gallery.verify()
        assert (gallery.model_path / "model.json").read_bytes() == (
            new.path / "model.json"
        ).read_bytes()
        for record in data[:20]:
            [vector] = new.embed(new.prepare([record.pixels()]))
            np.testing.assert_array_equal(gallery.get(record.id).vector, vector)


def test_the_generation_goes_on_growing(digits, new):
    with Gallery.open(digits) as gallery:
        before = gallery.generation
    upgrade(digits, new)
    with Gallery.open(digits) as gallery:
        assert gallery.generation == before + 1
        gallery.remove([next(iter(gallery.ids()))])
        assert gallery.generation == before + 2


def test_who_has_the_old_gallery_open_reads_it_until_the_end_and_is_then_told(digits, new):
    seen = []

    class Watched(Brighter):
        def embed(self, images):
            seen.append(len(other))
            with pytest.raises(BusyError, match="Another process is changing"):
                other.remove(["x"])
            return super().embed(images)

    watched = described(Watched(new.path, new.fingerprint))
    with Gallery.open(digits, timeout=0.05) as other:
        upgrade(digits, watched)
        assert set(seen) == {299}
        with pytest.raises(ReplacedError, match="removed or replaced"):
            len(other)


def test_one_that_fails_leaves_the_old_gallery_and_no_file(digits, new, postgres, monkeypatch):
    monkeypatch.setattr("likewise.upgrading.BATCH", 100)
    before = postgres.sql(EVERYTHING)
    failing = described(Failing(new.path, new.fingerprint))
    with pytest.raises(MemoryError):
        upgrade(digits, failing)
    assert postgres.sql(EVERYTHING) == before
    assert not list(cache_folder().glob("*/.new*"))
    with Gallery.open(digits, fingerprint="fa4e00000001") as gallery:
        gallery.verify()


def test_rights_that_were_granted_stay(digits, new, postgres):
    postgres.sql("CREATE ROLE watcher LOGIN PASSWORD 'secret'")
    postgres.sql("GRANT USAGE ON SCHEMA likewise_digits TO watcher")
    postgres.sql("GRANT SELECT ON ALL TABLES IN SCHEMA likewise_digits TO watcher")
    try:
        upgrade(digits, new)
        with Gallery.open(postgres.url("digits", user="watcher", password="secret")) as gallery:
            assert gallery.fingerprint == new.fingerprint
            assert len(gallery) == 299
    finally:
        postgres.sql("DROP OWNED BY watcher")
        postgres.sql("DROP ROLE watcher")


def test_the_same_model_again_is_refused_without_the_password(digits, new):
    upgrade(digits, new)
    with pytest.raises(UpgradeError, match=r"#digits has the model b419472e0003 already"):
        upgrade(digits, new)
