"""Operating points of a gallery: stored whole, seen by open readers, and used by `check`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import index.storage.files
from index.decision import CheckOptions, Rule, decide
from index.errors import GalleryError, ReadOnlyError, StoreError
from index.gallery import Gallery
from index.neighbours import Neighbours
from index.operating_point import OperatingPoint
from likewise.metrics.limits import Limits

ROOT = Path(index.storage.files.__file__).parents[2]
POINT = OperatingPoint(threshold=0.25, fpir=0.01, gallery_size=60, generation=1)


def test_a_stored_point_is_the_default_and_the_others_stay(gallery: Gallery) -> None:
    gallery.points.store("strict", POINT)
    assert (gallery.points.default, gallery.points.rule().limits.threshold) == ("strict", 0.25)
    with Gallery.open(gallery.path) as again:
        assert again.points.all() == gallery.points.all()
        assert list(again.points.all()) == ["eer", "strict"]
        assert again.points.rule(CheckOptions(at="eer")).limits.threshold == 0.5
        again.verify()


def test_a_point_may_be_stored_without_becoming_the_default(gallery: Gallery) -> None:
    gallery.points.store("strict", POINT, default=False)
    assert gallery.points.default == "eer"
    assert gallery.points.rule(CheckOptions(at="strict")).point == "strict"


def test_a_gallery_that_is_open_elsewhere_uses_a_new_point_from_its_next_call(gallery) -> None:
    query = np.full((1, 4), 9, np.float32)
    with Gallery.open(gallery.path) as reader:
        assert reader.check(query)[0].threshold == 0.5
        gallery.points.store("strict", POINT)
        assert reader.check(query)[0].threshold == 0.25
        assert reader.check(query, CheckOptions(at="eer"))[0].threshold == 0.5


def test_two_writers_lose_no_point(gallery: Gallery) -> None:
    with Gallery.open(gallery.path) as other:
        gallery.points.store("a", POINT)
        other.points.store("b", POINT)
        assert list(gallery.points.all()) == ["eer", "a", "b"]


def test_an_unknown_point_is_refused_with_those_there_are(gallery: Gallery) -> None:
    with pytest.raises(GalleryError, match=r"no operating point 'no'\. It has: eer"):
        gallery.check(np.zeros((1, 4), np.float32), CheckOptions(at="no"))


def test_a_threshold_and_a_point_are_one_too_many(gallery: Gallery) -> None:
    with pytest.raises(ValueError, match="not both"):
        gallery.check(np.zeros((1, 4), np.float32), CheckOptions(at="eer", threshold=1.0))


@pytest.mark.parametrize("name", ["", "  "])
def test_a_point_needs_a_name(gallery: Gallery, name: str) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        gallery.points.store(name, POINT)


def test_an_unusable_point_changes_nothing(gallery: Gallery) -> None:
    before = (gallery.path / "gallery.json").read_bytes()
    for wrong in ({}, {"threshold": -1}, {"threshold": 1, "x": object()}):
        with pytest.raises(ValueError, match="Received"):
            gallery.points.store("p", OperatingPoint.from_json(wrong))
    assert (gallery.path / "gallery.json").read_bytes() == before


@pytest.mark.parametrize("dies_in", ["fsync", "replace"])
def test_a_writer_that_dies_leaves_the_old_points_whole(gallery, monkeypatch, dies_in) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, dies_in, die)
        with pytest.raises(Killed):
            gallery.points.store("strict", POINT)
    assert list(gallery.points.all()) == ["eer"]
    gallery.points.store("strict", POINT)  # and the writer's lock is free again
    assert gallery.points.default == "strict"


def test_a_read_only_gallery_says_so(gallery: Gallery, monkeypatch) -> None:
    gallery.close()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with (
        Gallery.open(gallery.path) as reader,
        pytest.raises(ReadOnlyError, match="read-only"),
    ):
        reader.points.store("strict", POINT)


@pytest.mark.parametrize(
    "fields",
    [
        {"threshold": True},
        {"fmr": "0.01"},
        {"rate": 5},
        {"false": -1},
        {"interval": (0.1, 0.2, 0.3)},
        {"group_thresholds": {"0": -1.0}},
        {"evidence": "not-a-digest"},
    ],
)
def test_a_point_that_could_not_be_read_again_is_never_stored(gallery: Gallery, fields) -> None:
    [name] = fields
    with pytest.raises(ValueError, match=f"Its `{name}` is of the wrong type"):
        gallery.points.store("odd", OperatingPoint(**{"threshold": 0.25, **fields}))
    with Gallery.open(gallery.path) as again:
        assert list(again.points.all()) == ["eer"]


def test_figures_of_numpy_are_numbers(gallery: Gallery) -> None:
    gallery.points.store("half", OperatingPoint(threshold=np.float64(0.25), fmr=np.float64(0.5)))
    with Gallery.open(gallery.path) as again:
        assert (again.points["half"].threshold, again.points["half"].fmr) == (0.25, 0.5)


@pytest.fixture
def calibrated_meanwhile(gallery: Gallery, monkeypatch) -> Gallery:
    """A calibrated gallery that another process calibrates anew while its points are read."""
    hashes = [bytes([number]) * 16 for number in (1, 2)]
    gallery.points.store("p", POINT, unknown=np.array([9], np.float32), contents=hashes[:1])
    documents, evidence, once = gallery._documents, gallery._documents.evidence, [True]

    def evidence_after_a_calibration(kind: str, name: str) -> np.ndarray:
        if once:
            once.clear()
            with Gallery.open(gallery.path) as other:
                other.points.store(
                    "p", POINT, unknown=np.array([0, 9], np.float32), contents=hashes[1:]
                )
        return evidence(kind, name)

    monkeypatch.setattr(documents, "evidence", evidence_after_a_calibration)
    return gallery


def test_a_calibration_meanwhile_gives_its_own_evidence(calibrated_meanwhile: Gallery) -> None:
    far = np.full((1, 4), 100, np.float32)
    [answer] = calibrated_meanwhile.check(far, CheckOptions(evidence=True))
    assert answer.p_value == (2 + 1) / (2 + 1)  # both unknowns are nearer
    assert len(calibrated_meanwhile.points.evidence("p").unknown) == 2


def test_a_calibration_meanwhile_gives_its_own_pictures(calibrated_meanwhile: Gallery) -> None:
    assert calibrated_meanwhile.points.calibrated_on("p") == {bytes([2]) * 16}


def test_a_calibration_meanwhile_is_no_damage(calibrated_meanwhile: Gallery) -> None:
    calibrated_meanwhile.points.verify()


def test_evidence_that_is_gone_for_good_is_named(gallery: Gallery) -> None:
    gallery.points.store("p", POINT, unknown=np.array([9], np.float32))
    [file] = gallery.path.glob("evidence-*.npy")
    file.unlink()
    for read in (gallery.points.evidence, lambda name: gallery.points.verify()):
        with pytest.raises(StoreError, match=file.name):
            read("p")


def test_another_gallery_in_the_place_of_an_open_one_is_noticed(
    gallery: Gallery, tmp_path: Path
) -> None:
    Gallery.create(tmp_path / "other", dim=4, fingerprint="77be02").close()
    shutil.copy(tmp_path / "other" / "gallery.json", gallery.path / "gallery.json")
    with pytest.raises(StoreError, match=r"no longer the gallery .* fingerprint is now 77be02"):
        gallery.check(np.zeros((1, 4), np.float32))


def test_a_gallery_that_has_changed_since_says_so(gallery: Gallery) -> None:
    gallery.points.store("p", replace(POINT, generation=gallery.generation))
    assert gallery.points.outdated() is None
    gallery.add(["new"], np.ones((1, 4), np.float32), ["5"])
    assert "60 references then, 61 now" in str(gallery.points.outdated())
    assert gallery.points.outdated("eer") is None


def test_the_manifest_stays_of_format_1_with_one_more_field(gallery: Gallery) -> None:
    gallery.points.store("strict", POINT)
    fields = json.loads((gallery.path / "gallery.json").read_text())
    assert (fields["format"], fields["default_point"]) == (1, "strict")


STORER = """
import os, sys
import numpy as np
from index.gallery import Gallery
from index.operating_point import OperatingPoint

def say(line):
    os.write(1, f"{line}\\n".encode())

with Gallery.open(sys.argv[1]) as gallery:
    for number in range(int(sys.argv[2]), 10**6):
        say(number)
        unknown = np.full(5, number, np.float32)
        gallery.points.store("p", OperatingPoint(threshold=number), unknown=unknown)
        say("stored")
"""


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_the_last_stored_point_or_the_next_one(
    gallery: Gallery, rng: np.random.Generator
) -> None:
    gallery.close()
    number = 0
    for _ in range(25):
        command = [sys.executable, "-c", STORER, str(gallery.path), str(number)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as storer:
            assert storer.stdout is not None
            storer.stdout.readline()
            time.sleep(rng.exponential(0.05))  # a random moment to die at
            storer.send_signal(signal.SIGKILL)
            answer = [str(number), *storer.stdout.read().split()]
        number = int([line for line in answer if line.isdigit()][-1])
        stored = number if answer[-1] == "stored" else number - 1
        with Gallery.open(gallery.path) as after:
            after.verify()
            point = after.points.all().get("p")
            if point is None:
                assert stored < 0
                continue
            assert point.threshold in {stored, number}
            far = np.full((1, 4), float(point.threshold), np.float32)
            assert after.points.evidence().p_values(far[:, 0]).tolist() == [1.0]
        number = int(point.threshold) + 1
    gallery = Gallery.open(gallery.path)
    gallery.points.store("p", POINT)
    assert not [*gallery.path.glob("*evidence-*"), *gallery.path.glob(".evidence-*")]
    gallery.close()


# ---------------------------------------------------------------- the rule


def test_options_are_resolved_to_one_rule_that_names_its_point(gallery: Gallery) -> None:
    point = replace(POINT, group_thresholds={"3": 0.1}, min_margin=0.2)
    gallery.points.store("strict", point, unknown=np.ones(9, np.float32))
    rule = gallery.points.rule(CheckOptions(group="3", evidence=True))
    assert (rule.point, rule.limits, rule.min_margin) == ("strict", Limits(0.25, {"3": 0.1}), 0.2)
    assert rule.group == "3"
    assert rule.evidence is not None
    assert rule.evidence.name == gallery.points["strict"].evidence


def test_a_given_threshold_has_no_point_and_no_margin_but_the_evidence_of_the_default_one(
    gallery: Gallery,
) -> None:
    gallery.points.store("strict", replace(POINT, min_margin=0.2), unknown=np.ones(9, np.float32))
    rule = gallery.points.rule(CheckOptions(threshold=1, evidence=True))
    assert (rule.point, rule.limits, rule.min_margin) == (None, Limits(1.0), None)
    assert rule.evidence is not None
    assert rule.evidence.unknown.tolist() == [1.0] * 9


def test_a_rule_that_is_resolved_stays_as_it_was(gallery: Gallery) -> None:
    rule = gallery.points.rule()
    gallery.points.store("strict", POINT)
    query = np.full((1, 4), 9, np.float32)
    assert gallery.decide(query, 5, rule)[0].threshold == 0.5
    assert gallery.check(query)[0].threshold == 0.25


# ---------------------------------------------------------------- thresholds by group


def found(*neighbours: tuple[str, float]) -> Neighbours:
    labels = [label for label, _ in neighbours]
    distances = np.array([[distance for _, distance in neighbours]], np.float32)
    ids = np.array([[f"id{place}" for place in range(len(labels))]], object)
    return Neighbours(ids, np.array([labels], object), distances)


@pytest.mark.parametrize(
    ("neighbours", "decision", "label", "distance", "threshold"),
    [
        ([("a", 0.3), ("b", 0.4)], "match", "a", 0.3, 0.5),
        ([("b", 0.3), ("a", 0.4)], "no_match", None, 0.3, 0.25),  # too far from b, so no a either
        ([("b", 0.2), ("a", 0.4), ("a", 0.45)], "match", "a", 0.4, 0.5),  # the majority inside
        ([("b", 0.2), ("a", 0.6), ("a", 0.7)], "match", "b", 0.2, 0.25),
        ([("b", 0.25)], "match", "b", 0.25, 0.25),  # equality included
    ],
)
def test_each_reference_is_judged_by_the_threshold_of_its_group(
    neighbours, decision, label, distance, threshold
) -> None:
    [answer] = decide(found(*neighbours), Rule(Limits(0.5, {"b": 0.25})))
    assert (answer.decision, answer.label, answer.threshold) == (decision, label, threshold)
    assert answer.distance == np.float32(distance)


def test_a_point_brings_its_group_thresholds_and_margin_and_an_argument_goes_before_them(
    gallery: Gallery,
) -> None:
    reference = gallery.get("r00")
    near = reference.vector[None] + np.float32(0.01)
    limits = {str(reference.label): 0.001}
    point = replace(POINT, threshold=5.0, group_thresholds=limits, min_margin=100.0)
    gallery.points.store("p", point)
    [answer] = gallery.check(near)
    assert (answer.decision, answer.threshold) == ("no_match", 0.001)
    [answer] = gallery.check(near, CheckOptions(group=reference.label))
    assert (answer.decision, answer.threshold) == ("no_match", 0.001)
    [answer] = gallery.check(reference.vector[None])
    assert answer.decision == "ambiguous"
    [answer] = gallery.check(reference.vector[None], CheckOptions(min_margin=0, k=1))
    assert answer.decision == "match"
    [answer] = gallery.check(near, CheckOptions(threshold=5.0, k=1))
    assert (answer.decision, answer.threshold) == ("match", 5.0)
