"""`likewise.build` makes a gallery of labelled pictures, or nothing."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

import likewise
from embedder.data.label_rule import LabelRule
from embedder.errors import DatasetError, ModelError, UnlabelledError
from index.decision import CheckOptions
from index.errors import GalleryError, NoGroupsError
from likewise.labelling import LabelsError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new.gallery"


@pytest.fixture
def labelled(tmp_path, scans):
    """A folder per label: three digits of `even`, two and a damaged one of `odd`."""
    folder = tmp_path / "data"
    for label, names in (("even", ("00", "02", "04")), ("odd", ("01", "03", "05"))):
        (folder / label).mkdir(parents=True)
        for name in names:
            shutil.copy(scans / f"{name}.png", folder / label)
    return folder


def test_a_gallery_is_made_of_a_named_data_set(path, fake):
    with likewise.build(path, "mnist/test/00000") as matcher:
        assert isinstance(matcher, likewise.Matcher)
        assert list(matcher.gallery.ids()) == ["mnist/test/00000"]
    with likewise.open(path) as matcher:
        assert matcher.check("mnist/test/00000")[0].label == "7"


def test_a_gallery_is_made_of_records_and_of_arrays_with_labels(path, tmp_path, fake, references):
    with likewise.build(path, iter(references[:20])) as matcher:
        assert len(matcher.gallery) == 20
    pixels = np.stack([record.pixels() for record in references[:20]])
    labels = [record.label for record in references[:20]]
    with likewise.build(tmp_path / "arrays", pixels, labels=labels) as matcher:
        assert matcher.gallery.labels == likewise.open(path).gallery.labels


def test_what_cannot_be_read_in_a_folder_is_warned_about(path, fake, labelled):
    with (
        pytest.warns(UserWarning, match=r"^1 picture cannot be read; the first is odd/05\.png: tr"),
        likewise.build(path, labelled) as matcher,
    ):
        assert matcher.gallery.labels == {"even": 3, "odd": 2}


def test_progress_counts_the_pictures(path, fake, references):
    done: list[int] = []
    likewise.build(path, references, progress=done.append).close()
    assert sum(done) == len(references)


def test_an_embedder_or_the_path_of_a_model_makes_the_vectors(path, tmp_path, fake):
    with likewise.build(path, "mnist/test/00000", fake) as matcher:
        assert matcher.embedder is fake


def test_a_missing_model_is_refused_and_nothing_is_left(path, tmp_path):
    with pytest.raises(ModelError):
        likewise.build(path, "mnist/test/00000", tmp_path / "no-model")
    assert not path.exists()


def test_what_is_there_already_stays(path, fake):
    path.mkdir()
    (path / "thesis.txt").write_text("years of work")
    with pytest.raises(GalleryError, match=r"new\.gallery"):
        likewise.build(path, "mnist/test/00000")
    assert (path / "thesis.txt").read_text() == "years of work"


def test_without_any_picture_nothing_is_made(path, fake):
    with pytest.raises(DatasetError, match="Received none: nothing was made"):
        likewise.build(path, [])
    assert not path.exists()


def test_where_no_picture_can_be_read_nothing_is_left(path, fake, scans):
    bad = [scans / "05.png", scans / "06.png"]
    with pytest.raises(DatasetError, match=r"All 2 pictures cannot be read; .*05\.png"):
        likewise.build(path, bad, labels="bad")
    assert not path.exists()


def test_pictures_without_labels_leave_nothing(path, fake, scans):
    with pytest.raises(UnlabelledError):
        likewise.build(path, scans)
    assert not path.exists()


def test_what_was_stored_before_a_failure_stays(path, fake, references, monkeypatch):
    monkeypatch.setattr("likewise.enrolment.BATCH", 64)

    def stream():  # longer than what is decoded ahead of the first transaction
        for number in range(2000):
            yield replace(references[number % 300], id=str(number))
        raise OSError("the disk was pulled out")

    with pytest.raises(OSError, match="pulled out"):
        likewise.build(path, stream())
    with likewise.open(path) as matcher:
        assert 0 < len(matcher.gallery) <= 2000


def test_pictures_have_no_split(path, fake, references):
    with pytest.raises(DatasetError, match="leave out the split 'test'"):
        likewise.build(path, references, split="test")


def test_a_folder_without_labels_is_built_for_searching(tmp_path, fake, scans):
    with pytest.warns(UserWarning, match="2 pictures cannot be read"):
        matcher = likewise.build(tmp_path / "g", scans, fake, unlabelled=True)
    with matcher:
        assert (len(matcher.gallery), matcher.gallery.labels) == (38, {})
        with pytest.raises(NoGroupsError, match="none of its 38 references has a label"):
            matcher.check(scans / "07.png")
        assert matcher.query(scans / "07.png", k=1).ids.tolist() == [["07.png"]]


def test_each_picture_of_a_folder_can_be_a_group(tmp_path, fake, scans):
    with pytest.warns(UserWarning, match="2 pictures cannot be read"):
        matcher = likewise.build(tmp_path / "g", scans, fake, label_each=True)
    with matcher:
        assert matcher.check(scans / "07.png", CheckOptions(k=1))[0].label == "07"


def test_a_rule_for_labels_beside_none_is_refused(tmp_path, fake, scans):
    with pytest.raises(LabelsError, match="Give a rule"):
        likewise.build(tmp_path / "g", scans, fake, rule=LabelRule(level=1), unlabelled=True)


def test_a_gallery_without_groups_needs_no_threshold(tmp_path, fake, references):
    fake.operating_points = {}
    with likewise.build(tmp_path / "g", references[:9], fake, unlabelled=True) as matcher:
        assert matcher.gallery.points.default is None
        with pytest.raises(NoGroupsError):
            matcher.check(references[0])
