"""A gallery in PostgreSQL answers as the same one in a directory does, to the bit."""

from __future__ import annotations

import shutil
import sqlite3
from itertools import islice

import numpy as np
import pytest

from embedder.data.sources import records
from index.address import cache_folder, place_of
from index.backup import copy_gallery
from index.decision import CheckOptions
from index.doctor import examine
from index.errors import GalleryError, OlderStateError, ReplacedError, StoreError, UnfitError
from index.gallery import Gallery
from index.operating_point import OperatingPoint
from index.recovery import accept_older
from likewise.matcher import Matcher
from tests.postgres_server import Server

ONE = np.eye(2, dtype=np.float32)


def pets(server: Server, name: str = "pets") -> Gallery:
    """A cat and a dog."""
    point = {"eer": OperatingPoint(threshold=0.5)}
    gallery = Gallery.create(server.url(name), dim=2, fingerprint="3f9a1c", operating_points=point)
    pictures = np.eye(4, dtype=np.uint8)[None].repeat(2, axis=0)
    gallery.add(["a", "b"], ONE, ["cat", "dog"], pictures=pictures)
    return gallery


@pytest.mark.costly
def test_the_same_pictures_get_the_same_answers_to_the_bit(postgres, tmp_path, fake):
    answers, figures = [], []
    for place in (tmp_path / "digits.gallery", postgres.url("digits")):
        with Matcher.create(place, fake) as matcher:
            matcher.add(islice(records("mnist/train"), 500))
            matcher.gallery.remove(["mnist/train/00007"])
            asked = list(islice(records("mnist/test"), 200))
            options = CheckOptions(threshold=0.5)
            vectors = matcher.gallery.search(
                fake.embed(fake.prepare([record.pixels() for record in asked])), 7
            )
            answers.append(list(matcher.check(asked, options)))
            figures.append((vectors.ids.tolist(), vectors.distances.tobytes()))
    assert figures[0] == figures[1]
    assert answers[0] == answers[1]


def test_every_question_has_the_same_answer_in_both(postgres, tmp_path, rng):
    vectors = rng.normal(size=(60, 4)).astype(np.float32)
    queries = rng.normal(size=(9, 4)).astype(np.float32)
    labels = [None if i % 7 == 0 else str(i % 5) for i in range(60)]
    answers = []
    for place in (tmp_path / "g", postgres.url("g")):
        with Gallery.create(place, dim=4, fingerprint="3f9a1c") as gallery:
            gallery.add([f"r{i:02}" for i in range(60)], vectors, labels)
            gallery.add(["r03"], queries[:1], ["new"])
            near = gallery.search(queries, 5)
            options = CheckOptions(threshold=1.0)
            answers.append(
                [
                    near.ids.tolist(),
                    near.distances.tobytes(),
                    gallery.check(queries, options),
                    gallery.within(queries, 1.5),
                    gallery.groups(),
                    gallery.page(limit=7, after=9),
                    gallery.page(limit=3, label="2"),
                    gallery.group_page(limit=3, samples=2),
                    gallery.count_unlabelled(),
                    gallery.generation,
                    [a.tobytes() for a in gallery.references()[2:]],
                    examine(gallery, threshold=1.0).described(),
                ]
            )
    assert answers[0] == answers[1]


def test_a_second_client_sees_a_change_at_its_next_question(postgres):
    with pets(postgres) as gallery, Gallery.open(postgres.url("pets")) as other:
        assert len(other) == 2
        gallery.add(["c"], ONE[:1] * 3, ["cat"])
        assert other.search(ONE[:1] * 3, 1).ids.tolist() == [["c"]]
        gallery.points.store("mine", OperatingPoint(threshold=0.25))
        assert other.points.named()[0] == "mine"
        gallery.note("why", "because")
        assert other.notes == {"why": "because"}
        assert "b" in other
        gallery.remove(["b"])
        assert "b" not in other


def test_a_fresh_machine_has_nothing_but_the_address(postgres, tmp_path, monkeypatch, fake):
    with Matcher.create(postgres.url("pets"), fake) as matcher:
        matcher.add(np.eye(28, dtype=np.uint8)[None], labels=["line"])
        matcher.gallery.points.store(
            "p", OperatingPoint(threshold=9.0), unknown=ONE[0], contents=[b"3" * 16]
        )
        model = sorted(path.name for path in matcher.gallery.model_path.iterdir())
    monkeypatch.setenv("LIKEWISE_CACHE", str(tmp_path / "elsewhere"))
    with Matcher.open(postgres.url("pets")) as matcher:
        assert matcher.gallery.points.evidence("p").unknown.tolist() == [0, 1]
        assert matcher.gallery.points.calibrated_on("p") == {b"3" * 16}
        assert sorted(path.name for path in matcher.gallery.model_path.iterdir()) == model
        assert matcher.check(np.eye(28, dtype=np.uint8)[None])[0].label == "line"


def test_a_cache_that_is_damaged_or_deleted_is_made_again(postgres, fake):
    with Matcher.create(postgres.url("pets"), fake) as matcher:
        matcher.add(np.eye(28, dtype=np.uint8)[None], labels=["line"])
        matcher.gallery.points.store("p", OperatingPoint(threshold=9.0), unknown=ONE[0])
        assert matcher.gallery.model_path.is_dir()
    files = [path for path in cache_folder().rglob("*") if path.is_file()]
    assert any(path.name.startswith("evidence-") for path in files)
    assert any(path.parent.name == "model" for path in files)
    for path in files:
        path.write_bytes(b"damaged")
    for _ in range(2):
        with Matcher.open(postgres.url("pets")) as matcher:
            assert matcher.gallery.points.evidence("p").unknown.tolist() == [0, 1]
            assert matcher.check(np.eye(28, dtype=np.uint8)[None])[0].label == "line"
        shutil.rmtree(cache_folder())


def test_evidence_that_no_point_names_any_more_leaves_the_database(postgres):
    with pets(postgres) as gallery:
        for threshold in (1.0, 2.0):
            gallery.points.store(
                "p", OperatingPoint(threshold=threshold), unknown=ONE[0] * threshold
            )
        [held] = postgres.sql("SELECT name FROM likewise_pets.file WHERE name LIKE 'evidence%'")
        assert held == (f"evidence-{gallery.points['p'].evidence}.npy",)


def test_a_name_is_taken_once(postgres):
    pets(postgres).close()
    with pytest.raises(GalleryError, match=r"#pets' exists already: add to it"):
        pets(postgres)


def test_a_gallery_that_is_discarded_leaves_nothing(postgres):
    pets(postgres).discard()
    assert postgres.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'likewise_pets'") == []
    assert list(cache_folder().iterdir()) == []
    pets(postgres).close()


def test_another_gallery_of_the_same_name_is_not_taken_for_the_first(postgres):
    with pets(postgres) as gallery:
        postgres.sql("DROP SCHEMA likewise_pets CASCADE")
        with pytest.raises(ReplacedError, match="no longer the gallery that was opened"):
            len(gallery)
        with pets(postgres) as again:
            assert len(again) == 2
            for use in (lambda: len(gallery), lambda: gallery.remove(["a"])):
                with pytest.raises(ReplacedError, match="no longer the gallery that was opened"):
                    use()


def test_a_server_that_went_back_is_refused_until_that_is_accepted(postgres):
    """As a replica that lags behind would look, or a server restored from an older copy."""
    with pets(postgres) as gallery:
        tables = ("reference", "removal", "state")
        for table in tables:
            postgres.sql(f"CREATE TABLE public.old_{table} AS TABLE likewise_pets.{table}")
        gallery.add(["c"], ONE[:1], ["cat"])
        for table in tables:
            postgres.sql(
                f"DELETE FROM likewise_pets.{table}; "
                f"INSERT INTO likewise_pets.{table} TABLE public.old_{table};"
                f"DROP TABLE public.old_{table}"
            )
        older = r"generation 1 with 2 references, but generation 2 with 3 was acknowledged"
        with pytest.raises(OlderStateError, match=older):
            len(gallery)
        with pytest.raises(OlderStateError, match="lags behind"):
            gallery.add(["d"], ONE[:1], ["cat"])
    with pytest.raises(OlderStateError, match="--accept-older"):
        Gallery.open(postgres.url("pets"))
    state = accept_older(place_of(postgres.url("pets")))
    assert (state.generation, state.count, state.last_slot) == (3, 2, 3)
    with Gallery.open(postgres.url("pets")) as gallery:
        gallery.add(["d"], ONE[:1], ["cat"])
        assert sorted(gallery.ids()) == ["a", "b", "d"]


def test_what_the_database_cannot_hold_is_refused_and_nothing_is_changed(postgres):
    with pets(postgres) as gallery:
        for id in ("nul\0", "long" * 10_000 + "".join(map(chr, range(300, 9000)))):
            with pytest.raises(UnfitError, match=r"PostgreSQL cannot store this: .*Nothing was"):
                gallery.add(["fine", id], ONE, ["cat", "cat"])
        assert "nul\0" not in gallery
        assert sorted(gallery.ids()) == ["a", "b"]


@pytest.mark.parametrize("change", ["fields = 'x'", "fields = replace(fields, '0.5', '0.9')"])
def test_an_altered_manifest_is_refused(postgres, change):
    pets(postgres).close()
    postgres.sql(f"UPDATE likewise_pets.manifest SET {change}, revision = 9")
    with pytest.raises(StoreError, match="#pets, its manifest' was altered"):
        Gallery.open(postgres.url("pets"))


def test_a_copy_goes_into_the_database_and_out_again_as_it_was(postgres, tmp_path, rng):
    first, last = tmp_path / "first.gallery", tmp_path / "last.gallery"
    with Gallery.create(first, dim=2, fingerprint="3f9a1c") as gallery:
        gallery.add(["a", "b", "c"], rng.normal(size=(3, 2)).astype(np.float32), ["x", "y", None])
        gallery.remove(["b"])
        gallery.points.store("p", OperatingPoint(threshold=1.0), unknown=ONE[0])
        gallery.note("why", "because")
    state = copy_gallery(first, place_of(postgres.url("middle")))
    assert copy_gallery(place_of(postgres.url("middle")), last) == state
    for place in (postgres.url("middle"), last):
        with Gallery.open(first) as one, Gallery.open(place) as other:
            other.verify()
            assert [row.id for batch in other.batches(9) for row in batch] == ["a", "c"]
            assert one.references()[2].tobytes() == other.references()[2].tobytes()
            assert (one.generation, one.points.all(), one.notes) == (
                other.generation,
                other.points.all(),
                other.notes,
            )
            assert other.points.evidence("p").unknown.tolist() == [0, 1]


def test_a_copy_to_a_name_that_is_taken_changes_nothing(postgres, tmp_path):
    with pets(postgres) as gallery, Gallery.create(tmp_path / "g", dim=2, fingerprint="f") as empty:
        with pytest.raises(GalleryError, match="exists already"):
            copy_gallery(empty.path, gallery.place)
        assert len(gallery) == 2


def test_an_altered_gallery_is_not_copied_into_a_database(postgres, tmp_path):
    with Gallery.create(tmp_path / "g", dim=2, fingerprint="f") as gallery:
        gallery.add(["a"], ONE[:1], ["x"])
    connection = sqlite3.connect(tmp_path / "g" / "references.sqlite")
    with connection:
        connection.execute("UPDATE reference SET label = 'y'")
    connection.close()
    with pytest.raises(StoreError, match="was altered"):
        copy_gallery(tmp_path / "g", place_of(postgres.url("copy")))
    assert postgres.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'likewise_copy'") == []


def test_a_cache_that_cannot_be_written_is_named_with_the_option(postgres, tmp_path, monkeypatch):
    pets(postgres).close()
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("LIKEWISE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(GalleryError, match=r"local cache .*/file/cache/.* by --cache or LIKEWISE"):
        Gallery.open(postgres.url("pets"))
