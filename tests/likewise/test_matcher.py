from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embedder.data.sources import Record
from embedder.errors import ImageError, UnlabelledError
from index.decision import CheckOptions
from index.errors import EmptyGalleryError, FingerprintError, GalleryError
from likewise import decoding
from likewise.matcher import Matcher
from tests.fakes import FakeEmbedder


@pytest.fixture
def empty(tmp_path, fake):
    with Matcher.create(tmp_path / "new.gallery", fake) as matcher:
        yield matcher


def test_added_references_are_found_with_label_picture_and_metadata(empty, references):
    report = empty.add([replace(references[0], metadata={"writer": "w1"})])
    stored = empty.gallery.get("mnist/train/00000")
    assert (report.added, report.total, len(empty.gallery)) == (1, 1, 1)
    assert (stored.label, stored.metadata) == ("5", {"writer": "w1"})
    np.testing.assert_array_equal(stored.picture, references[0].pixels())


def test_adding_again_embeds_and_writes_nothing(empty, fake, references):
    empty.add(references[:20])
    before, generation = fake.embedded, empty.gallery.generation
    report = empty.add(references[:20])
    assert (report.added, report.unchanged, report.replaced) == (0, 20, 0)
    assert (fake.embedded, empty.gallery.generation) == (before, generation)


def test_another_label_replaces_a_reference_without_embedding_it_again(empty, fake, references):
    empty.add(references[:3])
    report = empty.add([replace(references[1], label="zero")])
    assert (report.added, report.replaced, fake.embedded) == (0, 1, 3)
    assert empty.gallery.get(references[1].id).label == "zero"


def test_one_picture_under_two_ids_is_embedded_once_and_stays_two_references(
    empty, fake, references
):
    empty.add([references[0], replace(references[0], id="copy")])
    assert (len(empty.gallery), fake.embedded) == (2, 1)


def test_of_two_records_with_one_id_the_last_counts(empty, references):
    report = empty.add([references[0], replace(references[1], id=references[0].id)])
    assert (report.added, report.replaced, len(empty.gallery)) == (1, 1, 1)
    assert empty.gallery.get(references[0].id).label == references[1].label


def test_unreadable_pictures_are_reported_and_the_others_added(empty, scans):
    labelled = [Record(path.name, "x", path) for path in sorted(scans.iterdir())]
    report = empty.add(labelled)
    assert (report.added, report.total) == (38, 40)
    assert [id for id, _ in report.unreadable] == ["05.png", "06.png"]
    assert "truncated" in report.unreadable[0][1]


def test_a_damaged_row_of_a_list_is_reported_and_the_others_added(empty, references):
    damaged = Record("list.csv/2", None, ImageError("row 2: expected 2 columns, but it has 1"))
    report = empty.add([damaged, *references[1:4]])
    assert (report.added, [id for id, _ in report.unreadable]) == (3, ["list.csv/2"])


def test_a_file_name_that_is_no_utf_8_becomes_an_id_that_is(empty, references):
    empty.add([replace(references[0], id="caf\udce9.png", label="th\udce9")])
    assert empty.gallery.get(r"caf\xe9.png").label == r"th\xe9"


def test_a_reference_without_a_label_is_refused_by_name(empty, references):
    with pytest.raises(UnlabelledError, match=r"mnist/train/00000 has no label.*--label"):
        empty.add([replace(references[0], label=None)])


def test_what_was_added_before_the_input_broke_off_is_not_embedded_twice(
    empty, fake, references, monkeypatch
):
    monkeypatch.setattr("likewise.matcher.BATCH", 50)

    def broken():
        yield from references[:120]
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="went away"):
        empty.add(broken())
    assert fake.embedded == len(empty.gallery) < 120
    report = empty.add(references)
    assert fake.embedded == len(empty.gallery) == len(references)
    assert report.added + report.unchanged == len(references)


def test_progress_is_told_of_every_record(empty, references, monkeypatch):
    monkeypatch.setattr("likewise.matcher.BATCH", 50)
    steps: list[int] = []
    empty.add(references[:120], progress=steps.append)
    assert steps == [50, 50, 20]


def test_an_empty_gallery_says_how_to_fill_it(empty, queries):
    with pytest.raises(EmptyGalleryError, match=r"holds no references.*likewise add"):
        empty.check([queries[0].pixels()])


def test_of_a_small_gallery_all_references_answer(empty, references):
    empty.add(references[:3])
    assert empty.query([references[0].pixels()], k=5).distances.shape == (1, 3)
    assert len(empty.check([references[0].pixels()], CheckOptions(k=5))[0].neighbours) == 3


def test_a_query_agrees_with_brute_force(matcher, references, queries):
    found = matcher.query([query.pixels() for query in queries], k=4)
    enrolled = matcher.embedder.embed(np.stack([record.pixels() for record in references]))
    asked = matcher.embedder.embed(np.stack([query.pixels() for query in queries]))
    gaps = asked[:, None].astype(np.float64) - enrolled[None]  # (40, 300, 16)
    expected = np.sort(np.linalg.norm(gaps, axis=-1))[:, :4]  # (40, 4)
    np.testing.assert_allclose(found.distances, expected, atol=1e-6)


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
