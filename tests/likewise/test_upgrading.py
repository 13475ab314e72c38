"""A gallery gets another model: names stay, vectors come from the new model, all or nothing."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import likewise
from embedder.data.label_rule import LabelRule
from embedder.data.records import Record
from embedder.errors import ImageError
from embedder.manifest import write_manifest
from index.errors import GalleryError, ReplacedError
from index.gallery import Gallery
from likewise import exchange
from likewise.asked_again import decisions_of
from likewise.calibration.own import measure_own
from likewise.upgrading import UpgradeError, upgrade
from tests.fakes import FakeEmbedder


class Brighter(FakeEmbedder):
    """Another model: every distance is three times as large, and so is its threshold."""

    def __init__(self, path, fingerprint="b419472e0003", preprocessing="digit2"):
        super().__init__(path, fingerprint)
        self.preprocessing = preprocessing
        described(self)
        self.operating_points = {"eer": {"threshold": 1.5, "fmr": 0.02}}

    def embed(self, images):
        return 3 * super().embed(images)


def described(embedder: FakeEmbedder) -> FakeEmbedder:
    """Write how a fake prepares pictures, as a model's directory says it."""
    fields = {"preprocessing": embedder.preprocessing, "input_shape": embedder.input_shape}
    write_manifest(embedder.path, {"format": 1, **fields})
    return embedder


@pytest.fixture
def new(tmp_path):
    return Brighter(tmp_path / "brighter")


@pytest.fixture
def data(references) -> list[Record]:
    return [replace(record, metadata={"place": n}) for n, record in enumerate(references[:200])]


@pytest.fixture
def path(tmp_path, data):
    """A gallery of 200 digits by the old model."""
    path = tmp_path / "digits.gallery"
    with likewise.Matcher.create(path, described(FakeEmbedder(tmp_path / "old"))) as matcher:
        matcher.add(data)
    return path


def contents(path) -> dict[str, tuple]:
    """Everything of each reference but its vector."""
    with Gallery.open(path) as gallery:
        gallery.verify()
        return {
            r.id: (r.label, r.metadata, r.content, np.asarray(r.picture).tobytes())
            for batch in gallery.batches(64)
            for r in batch
        }


def test_names_stay_and_vectors_are_those_of_the_new_model(path, new, data):
    before = contents(path)
    report = upgrade(path, new)
    assert (report.from_gallery, report.from_data) == (200, 0)
    assert contents(path) == before
    with Gallery.open(path, fingerprint=new.fingerprint) as gallery:
        for record in data:
            [vector] = new.embed(new.prepare([record.pixels()]))
            np.testing.assert_array_equal(gallery.get(record.id).vector, vector)
        assert gallery.points.all().keys() == {"eer"}
        assert gallery.points["eer"].threshold == 1.5


def test_the_references_of_the_old_gallery_are_those_of_one_built_anew(path, new, data, tmp_path):
    upgrade(path, new)
    with likewise.Matcher.create(tmp_path / "anew", new) as matcher:
        matcher.add(data)
    queries = new.embed(new.prepare([record.pixels() for record in data]))
    with Gallery.open(path) as upgraded, Gallery.open(tmp_path / "anew") as anew:
        one, other = upgraded.search(queries, 5), anew.search(queries, 5)
    assert one.ids.tolist() == other.ids.tolist()
    np.testing.assert_array_equal(one.distances, other.distances)


def test_no_decision_differs_where_distances_and_threshold_grow_alike(path, new):
    report = upgrade(path, new, sample=150)
    assert (report.compared, report.changes.total()) == (150, 0)


def test_decisions_that_differ_are_counted_by_kind(path, new):
    new.operating_points = {"eer": {"threshold": 0.0}}  # nothing is that near
    report = upgrade(path, new)
    assert report.compared == 200
    assert {after for _, after in report.changes} == {"no_match"}
    assert 0 < report.changes.total() <= 200


def test_a_calibration_goes_and_is_named(path, new, data):
    with Gallery.open(path) as gallery:
        point = replace(gallery.points["eer"], rate="fpir", generation=1)
        gallery.points.store("fpir-0.01", point)
    assert upgrade(path, new).dropped == ["fpir-0.01"]
    with Gallery.open(path) as gallery:
        assert gallery.points.default == "eer"


def test_a_calibration_called_own_is_named_and_what_the_gallery_measured_is_not(path, new):
    with Gallery.open(path) as gallery:
        measure_own(gallery)
    assert upgrade(path, new).dropped == []
    with Gallery.open(path) as gallery:
        words = "120 pictures that are not in the gallery"
        gallery.points.store("own", replace(gallery.points["eer"], generation=1, measured_on=words))
    assert upgrade(path, Brighter(path.parent / "third", "c0107e000005")).dropped == ["own"]


def test_a_model_without_a_threshold_gets_one_from_the_gallery(path, new):
    new.operating_points = {}
    report = upgrade(path, new)
    assert report.own is not None
    assert report.own.point is not None
    with Gallery.open(path) as gallery:
        assert gallery.points.default == "own"


@pytest.fixture
def other_way(tmp_path):
    """A model that prepares pictures in another way, so that those in the gallery do not do."""
    return Brighter(tmp_path / "resizing", "c0107e000004", "resize")


def test_a_model_that_prepares_pictures_otherwise_takes_them_from_the_data(path, other_way, data):
    before = contents(path)
    extra = Record("not-in-the-gallery", None, np.zeros((28, 28), np.uint8))
    report = upgrade(path, other_way, [extra, *reversed(data), data[0]])
    assert (report.from_gallery, report.from_data) == (0, 200)
    after = contents(path)
    assert {id: value[:3] for id, value in after.items()} == {
        id: value[:3] for id, value in before.items()
    }
    with Gallery.open(path) as gallery:
        [vector] = other_way.embed(other_way.prepare([data[7].pixels()]))
        np.testing.assert_array_equal(gallery.get(data[7].id).vector, vector)


def test_data_may_be_named_by_a_path_without_a_choice_of_labels(tmp_path, other_way, data):
    folder, gallery = tmp_path / "scans", tmp_path / "scans.gallery"
    for record in data[:4]:  # at two levels that divide, so that it is unclear which are the labels
        file = folder / f"{record.label}" / record.id
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(record.pixels()).save(file.with_suffix(".png"))
    old = described(FakeEmbedder(tmp_path / "old"))
    with likewise.Matcher.create(gallery, old) as matcher:
        matcher.add(likewise.records(folder, rule=LabelRule(level=1)))
    assert upgrade(gallery, other_way, folder).from_data == 4
    with pytest.raises(UpgradeError, match="has the model"):
        upgrade(gallery, other_way, str(folder))


def test_only_references_without_a_picture_need_data(path, new, data):
    with Gallery.open(path) as gallery:
        vector = gallery.get(data[3].id).vector
        gallery.add(["by-vector"], vector[None], ["7"])
    with pytest.raises(UpgradeError, match="there is none for 1 id, 'by-vector'"):
        upgrade(path, new)
    picture = replace(data[3], id="by-vector")
    report = upgrade(path, new, iter([picture]))
    assert (report.from_gallery, report.from_data) == (200, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[5:], "there is none for 5 ids, "),
        (
            lambda data: [replace(data[0], image=data[1].image), *data[1:]],
            "1 id has another picture in the data, ",
        ),
        (
            lambda data: [replace(data[0], image=ImageError("damaged")), *data[1:]],
            "1 picture cannot be read, the first ",
        ),
    ],
    ids=["missing", "another", "unreadable"],
)
@pytest.mark.parametrize("as_stream", [False, True])
def test_data_that_lacks_a_picture_is_refused_and_nothing_changes(
    path, other_way, data, change, message, as_stream
):
    before, files = contents(path), sorted(path.parent.rglob("*"))
    changed = change(data)
    with pytest.raises(UpgradeError, match=message):
        upgrade(path, other_way, iter(changed) if as_stream else changed)
    assert contents(path) == before
    assert sorted(path.parent.rglob("*")) == files


def test_the_same_model_is_refused(path, tmp_path):
    with pytest.raises(UpgradeError, match="has the model fa4e00000001 already"):
        upgrade(path, FakeEmbedder(tmp_path / "same"))


def test_an_empty_gallery_gets_another_model(tmp_path, new):
    likewise.Matcher.create(tmp_path / "empty", FakeEmbedder(tmp_path / "old")).close()
    assert upgrade(tmp_path / "empty", new).compared == 0
    assert Gallery.open(tmp_path / "empty", fingerprint=new.fingerprint).labels == {}


def test_who_has_the_gallery_open_learns_that_it_was_replaced(path, new, data):
    with Gallery.open(path) as open_before:
        open_before.warm()
        upgrade(path, new)
        with pytest.raises(ReplacedError):
            open_before.search(np.zeros((1, 16), np.float32), 1)
        with pytest.raises(ReplacedError):
            open_before.remove([data[0].id])
    assert len(contents(path)) == 200


def test_nobody_adds_to_the_gallery_while_it_is_upgraded(path, new, data):
    def add(count: int) -> None:
        with Gallery.open(path, timeout=0.0) as other, pytest.raises(GalleryError, match="nother"):
            other.add(["late"], np.zeros((1, 16), np.float32), ["7"])

    upgrade(path, new, progress=add)
    assert len(contents(path)) == 200


def test_a_link_to_a_gallery_stays_a_link(path, new, tmp_path):
    (tmp_path / "link").symlink_to(path)
    upgrade(tmp_path / "link", new)
    assert (tmp_path / "link").is_symlink()
    assert Gallery.open(path).fingerprint == new.fingerprint


@pytest.fixture
def two_steps(monkeypatch):
    """A system that cannot exchange two names at once."""
    monkeypatch.setattr(exchange, "_swapped", lambda new, place: False)


def test_where_names_cannot_be_exchanged_at_once_it_takes_two_steps(path, new, two_steps):
    upgrade(path, new)
    assert Gallery.open(path).fingerprint == new.fingerprint
    assert [each.name for each in path.parent.glob("*.gallery*")] == ["digits.gallery"]


def test_a_cut_between_the_two_steps_says_how_to_go_on(path, new, two_steps, monkeypatch):
    rename, steps = os.rename, iter([True])

    def cut(source, target):
        if not next(steps, False):
            raise KeyboardInterrupt  # and putting the older one back fails as well
        rename(source, target)

    monkeypatch.setattr(os, "rename", cut)
    with pytest.raises(KeyboardInterrupt):
        upgrade(path, new)
    monkeypatch.undo()
    with pytest.raises(GalleryError, match=r"rename '.*before-upgrade' to '.*digits.gallery'"):
        Gallery.open(path)
    path.with_name("digits.gallery.before-upgrade").rename(path)
    assert len(contents(path)) == 200


@pytest.mark.parametrize("labelled", [True, False])
def test_references_without_a_group_stay_so(tmp_path, new, references, labelled):
    path = tmp_path / "mixed.gallery"
    with likewise.Matcher.create(path, described(FakeEmbedder(tmp_path / "old"))) as matcher:
        matcher.add(references[:10], unlabelled=True)
        matcher.add(references[10:30] if labelled else references[10:11], unlabelled=not labelled)
    before = contents(path)
    report = upgrade(path, new)
    assert contents(path) == before
    assert report.compared == (30 if labelled else 0)


def test_a_margin_of_the_old_point_counts_as_in_a_check(path, new, data, tmp_path):
    margin = 0.3
    with Gallery.open(path) as gallery:
        old = replace(gallery.points["eer"], rate="fpir", generation=1, min_margin=margin)
        gallery.points.store("fpir-0.01", old)
        ids = [record.id for record in data]
        answers = decisions_of(gallery, ids)
        named = gallery.named(ids)
        for answer, id in zip(answers, ids, strict=True):
            others = {each: named[each] for each in ids if each != id}
            gaps = {each: np.linalg.norm(named[id].vector - r.vector) for each, r in others.items()}
            winner = min(gaps[each] for each in others if others[each].label == answer.label)
            runner_up = min(gaps[each] for each in others if others[each].label != answer.label)
            assert answer.decision == ("ambiguous" if runner_up - winner < margin else "match")
    assert upgrade(path, new).changes["ambiguous", "match"] > 150
