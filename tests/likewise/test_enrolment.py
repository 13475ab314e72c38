"""Labelled pictures and vectors become references: what is skipped, embedded, counted, refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from embedder.data.content import content_hash
from embedder.data.records import Record
from embedder.errors import ImageError, UnlabelledError
from index.gallery import Gallery
from likewise.conflicts import ConflictError, Entry
from likewise.enrolment import enrol
from likewise.matcher import Matcher

MAC, COMPOSED = "Mu\u0308ller", "M\u00fcller"


@pytest.fixture
def empty(tmp_path, fake):
    with Matcher.create(tmp_path / "new.gallery", fake) as matcher:
        yield matcher


def picture(record: Record, id: str | None = None, label: str = "7", **metadata: int) -> Entry:
    pixels = record.pixels()
    return Entry(id or record.id, label, metadata, pixels, content_hash(pixels))


def vector(id: str, value: float, label: str = "7") -> Entry:
    return Entry(id, label, {}, vector=np.full(16, value, np.float32))


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
    report = empty.add([replace(references[1], label="zero")], on_conflict="replace")
    assert (report.added, report.replaced, fake.embedded) == (0, 1, 3)
    assert empty.gallery.get(references[1].id).label == "zero"


def test_one_picture_under_two_ids_is_embedded_once_and_stays_two_references(
    empty, fake, references
):
    empty.add([references[0], replace(references[0], id="copy")])
    assert (len(empty.gallery), fake.embedded) == (2, 1)


def test_of_two_records_with_one_id_the_last_counts_where_it_is_to_replace(empty, references):
    twice = [references[0], replace(references[1], id=references[0].id)]
    report = empty.add(twice, on_conflict="replace")
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


def test_a_file_name_that_is_not_utf_8_becomes_an_id_that_is(empty, references):
    empty.add([replace(references[0], id="caf\udce9.png", label="th\udce9")])
    assert empty.gallery.get(r"caf\xe9.png").label == r"th\xe9"


def test_a_reference_without_a_label_is_refused_by_name(empty, references):
    with pytest.raises(UnlabelledError, match=r"mnist/train/00000 has no label.*folder per label"):
        empty.add([replace(references[0], label=None)])


def test_what_was_added_before_the_input_broke_off_is_not_embedded_twice(
    empty, fake, references, monkeypatch
):
    monkeypatch.setattr("likewise.enrolment.BATCH", 50)

    def broken():
        yield from references[:120]
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="went away"):
        empty.add(broken())
    assert fake.embedded == len(empty.gallery) < 120
    report = empty.add(references)
    assert fake.embedded == len(empty.gallery) == len(references)
    assert report.added + report.unchanged == len(references)


def test_progress_is_reported_for_every_record(empty, references, monkeypatch):
    monkeypatch.setattr("likewise.enrolment.BATCH", 50)
    steps: list[int] = []
    empty.add(references[:120], progress=steps.append)
    assert steps == [50, 50, 20]


def test_adding_again_with_other_metadata_or_none_changes_nothing(empty, references):
    empty.add([replace(references[0], metadata={"writer": "w1"})])
    for metadata in ({"writer": "w2"}, {}):
        report = empty.add([replace(references[0], metadata=metadata)])
        assert (report.replaced, report.unchanged) == (0, 1)
    assert empty.gallery.get(references[0].id).metadata == {"writer": "w1"}


def test_one_reference_by_itself_is_replaced_by_other_metadata_alone(empty, fake, references):
    first, second = (picture(references[0], writer=number) for number in (1, 2))
    assert enrol(fake, empty.gallery, [first]) == ["added"]
    assert enrol(fake, empty.gallery, [second]) == ["replaced"]
    assert fake.embedded == 1
    assert empty.gallery.get(references[0].id).metadata == {"writer": 2}


def test_a_record_that_comes_twice_is_unchanged_the_second_time(empty, references):
    report = empty.add([references[0], references[0]])
    assert (report.added, report.unchanged, report.replaced) == (1, 1, 0)


def test_each_entry_is_compared_with_the_reference_or_entry_before_it(empty, fake, references):
    first, second = references[:2]
    entries = [
        picture(first, "a"),
        picture(first, "a"),
        picture(first, "a", "8"),
        picture(first, "b", writer=1),
        picture(second, "b", writer=1),
    ]
    statuses = enrol(fake, empty.gallery, entries)
    assert statuses == ["added", "unchanged", "replaced", "added", "replaced"]
    assert enrol(fake, empty.gallery, [entries[2], entries[4]]) == ["unchanged"] * 2
    assert fake.embedded == 2


def test_pictures_and_vectors_are_enrolled_together(empty, fake, references):
    entries = [vector("a", 1.0), picture(references[0], "b"), vector("a", 2.0)]
    assert enrol(fake, empty.gallery, entries) == ["added", "added", "replaced"]
    assert enrol(fake, empty.gallery, [vector("a", 2.0)]) == ["unchanged"]
    assert enrol(fake, empty.gallery, [vector("a", 2.0, "8")]) == ["replaced"]
    np.testing.assert_array_equal(empty.gallery.get("a").vector, np.full(16, 2.0, np.float32))


def test_a_picture_in_place_of_a_vector_replaces_it(empty, fake, references):
    enrol(fake, empty.gallery, [vector("a", 1.0)])
    assert enrol(fake, empty.gallery, [picture(references[0], "a")]) == ["replaced"]
    assert empty.gallery.get("a").picture is not None


def test_entries_that_cannot_be_stored_leave_the_gallery_as_it_was(empty, fake, references):
    generation = empty.gallery.generation
    with pytest.raises(ValueError, match="label"):
        enrol(fake, empty.gallery, [vector("a", 1.0), vector("b", 1.0, "")])
    assert (len(empty.gallery), empty.gallery.generation) == (0, generation)


def sourced(id: str, value: float, label: str = "7") -> Entry:
    return replace(vector(id, value, label), source="new")


def after_reading(gallery: Gallery, monkeypatch, change) -> None:
    """Let another writer change the gallery once its references were read, and once only."""
    real, once = gallery.named, iter([True])

    def named(ids):
        references = real(ids)
        if next(once, False):
            with Gallery.open(gallery.path) as other:
                change(other)
        return references

    monkeypatch.setattr(gallery, "named", named)


def stored_by_another(id: str, value: float, label: str = "7"):
    return lambda other: other.add([id], np.full((1, 16), value, np.float32), [label])


def values(gallery: Gallery) -> dict[str, float]:
    return {id: float(gallery.get(id).vector[0]) for id in gallery.ids()}


def test_an_id_that_another_writer_takes_meanwhile_is_renamed_and_stored(empty, fake, monkeypatch):
    after_reading(empty.gallery, monkeypatch, stored_by_another("1.png", 1))
    assert enrol(fake, empty.gallery, [sourced("1.png", 2)], "rename") == ["renamed"]
    assert values(empty.gallery) == {"1.png": 1, "new/1.png": 2}


def test_a_new_id_that_another_writer_takes_meanwhile_too_is_refused(empty, fake, monkeypatch):
    empty.gallery.add(["1.png"], np.ones((1, 16), np.float32), ["7"])
    after_reading(empty.gallery, monkeypatch, stored_by_another("new/1.png", 3))
    with pytest.raises(ConflictError, match="it is taken too"):
        enrol(fake, empty.gallery, [sourced("1.png", 2), sourced("2.png", 2)], "rename")
    assert values(empty.gallery) == {"1.png": 1, "new/1.png": 3}


def test_an_id_that_is_free_again_meanwhile_is_not_renamed(empty, fake, monkeypatch):
    empty.gallery.add(["1.png"], np.ones((1, 16), np.float32), ["7"])
    after_reading(empty.gallery, monkeypatch, lambda other: other.remove(["1.png"]))
    assert enrol(fake, empty.gallery, [sourced("1.png", 2)], "rename") == ["added"]
    assert values(empty.gallery) == {"1.png": 2}


@pytest.mark.parametrize("on_conflict", ["replace", "rename", "skip", "error"])
def test_a_reference_in_another_spelling_that_is_removed_meanwhile_is_stored_anew(
    empty, fake, monkeypatch, on_conflict
):
    decomposed, written = "cafe\u0301.png", "caf\u00e9.png"
    same = on_conflict in ("skip", "error")
    empty.gallery.add([decomposed], np.full((1, 16), 2 if same else 1, np.float32), ["7"])
    after_reading(empty.gallery, monkeypatch, lambda other: other.remove([decomposed]))
    entries = [sourced(written, 2), sourced("other", 3)]
    assert enrol(fake, empty.gallery, entries, on_conflict) == ["added", "added"]
    assert values(empty.gallery) == {written: 2, "other": 3}


def test_of_an_id_that_comes_twice_what_is_stored_is_decided_with_what_others_wrote(
    empty, fake, monkeypatch
):
    after_reading(empty.gallery, monkeypatch, stored_by_another("a", 1))
    entries = [vector("a", 2), vector("a", 1), vector("b", 3)]
    assert enrol(fake, empty.gallery, entries, "skip") == ["skipped", "unchanged", "added"]
    assert values(empty.gallery) == {"a": 1, "b": 3}


def stored_as(gallery: Gallery, *labels: str) -> None:
    """References 0, 1, … with labels as an earlier version, or `Gallery.add`, stores them."""
    ids = [str(place) for place in range(len(labels))]
    gallery.add(ids, np.arange(16 * len(ids), dtype=np.float32).reshape(-1, 16), labels)


@pytest.mark.parametrize(
    ("stored", "given", "expected"),
    [
        ((" 7 ", "7"), "7", "7"),
        (("7", "7 "), "7", "7"),
        ((" 7 ",), "7", " 7 "),
        ((MAC,), COMPOSED, MAC),
        ((MAC, COMPOSED), COMPOSED, COMPOSED),
        ((MAC,), None, None),
    ],
)
def test_a_label_joins_the_group_in_its_own_spelling_else_the_one_in_an_older_spelling(
    empty, fake, references, stored, given, expected
):
    stored_as(empty.gallery, *stored)
    enrol(fake, empty.gallery, [vector("by vector", 1, given)])
    empty.add([references[0]], labels=given, ids=["by picture"], unlabelled=given is None)
    named = empty.gallery.named(["by vector", "by picture"])
    assert {reference.label for reference in named.values()} == {expected}


def test_a_label_joins_an_older_spelling_that_another_process_stored_meanwhile(empty, fake):
    enrol(fake, empty.gallery, [vector("a", 1, "8")])
    with Gallery.open(empty.gallery.path) as other:
        stored_as(other, " 7 ")
    enrol(fake, empty.gallery, [vector("b", 1, "7")])
    empty.gallery.remove(["0", "b"])
    enrol(fake, empty.gallery, [vector("c", 1, "7")])
    assert empty.gallery.labels == {"7": 1, "8": 1}


def test_names_of_a_gallery_are_read_only_where_a_label_has_an_older_spelling(
    empty, fake, monkeypatch
):
    def read(state: object) -> None:
        raise AssertionError("the names of all references were read")

    stored_as(empty.gallery, "7")
    monkeypatch.setattr(empty.gallery._index.names, "of", read)
    assert enrol(fake, empty.gallery, [vector("a", 1)]) == ["added"]


def test_a_word_that_says_nothing_of_conflicts_is_refused_where_there_is_none(empty, references):
    with pytest.raises(ValueError, match=r"one of error, replace, skip, rename\. Received: 'skpi'"):
        empty.add(references[:1], on_conflict="skpi")
    assert len(empty.gallery) == 0
