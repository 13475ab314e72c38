"""Calibration against a brute-force count over the same pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pytest

from embedder.data.records import Record
from embedder.errors import ImageError, UnlabelledError
from index.decision import CheckOptions
from index.errors import EmptyGalleryError
from likewise.calibration.calibrate import calibrate
from likewise.calibration.made import MadeUnknowns
from likewise.calibration.summary import Calibration, command
from likewise.decoding import Decoded
from likewise.matcher import Matcher
from likewise.metrics.thresholds import CalibrationError, Cost
from likewise.queries import GIVEN, LEFT_OUT, MADE
from likewise.remarks import Remarks


def unread() -> Iterator[Record]:
    """Pictures that must not be read."""
    return (pytest.fail("a picture was read") for _ in range(1))


def vectors_of(matcher, records) -> np.ndarray:
    return matcher.embedder.embed(matcher.embedder.prepare([r.pixels() for r in records]))


def nearest(matcher, records, *, without_own: bool) -> list[float]:
    """The distance to the nearest reference, those of the record's own label left out or not."""
    _, labels, stored = matcher.gallery.references()
    found = []
    for record, vector in zip(records, vectors_of(matcher, records), strict=True):
        gaps = np.linalg.norm(stored.astype(np.float64) - vector, axis=1).astype(np.float32)
        found.append(float(gaps[labels != record.label if without_own else slice(None)].min()))
    return found


def test_at_most_the_wanted_share_matches_with_the_own_group_left_out(matcher, queries) -> None:
    made = calibrate(matcher, queries, fpir=0.1)
    point = made.point
    strangers = nearest(matcher, queries, without_own=True)
    within = [distance <= point.threshold for distance in strangers]
    assert (point.false, point.queries) == (sum(within), 40) == (4, 40)
    assert point.measured == point.fpir == 0.1
    assert (made.name, matcher.gallery.points.default) == ("fpir-0.1", "fpir-0.1")
    assert matcher.gallery.points["fpir-0.1"].to_json().items() >= point.to_json().items()
    assert (point.gallery_size, point.generation) == (300, matcher.gallery.generation)


def test_pictures_that_come_twice_support_no_smaller_target(matcher, queries) -> None:
    with pytest.raises(CalibrationError, match=r"needs at least 60 .* Received: 40"):
        calibrate(matcher, [*queries, *queries], fpir=0.05)
    once, twice = (calibrate(matcher, data, fpir=0.1) for data in (queries, [*queries, *queries]))
    assert (twice.point.false, twice.point.queries) == (once.point.false, once.point.queries)


def test_check_misses_just_as_many_knowns_as_the_point_says(matcher, queries) -> None:
    point = calibrate(matcher, queries, fpir=0.1).point
    answers = matcher.check([query.pixels() for query in queries], CheckOptions(k=1))
    missed = [a.label != query.label for a, query in zip(answers, queries, strict=True)]
    assert (point.missed, point.mated) == (sum(missed), 40)


def test_a_threshold_that_most_knowns_miss_comes_with_advice(matcher, queries) -> None:
    def advised(point):
        made = Calibration("p", point, 0, [], Remarks(), [])
        return any("Most knowns are missed" in line for line in made.sentences())

    point = calibrate(matcher, queries, fpir=0.1).point
    assert not advised(replace(point, missed=19, mated=40, fnir=19 / 40))
    assert advised(replace(point, missed=20, mated=40, fnir=20 / 40))


def test_pictures_given_as_unknown_count_as_they_are(matcher, queries, references) -> None:
    matcher.gallery.remove([r.id for r in references if r.label in "89"])
    known = [query for query in queries if query.label not in "89"]
    unknown = [query for query in queries if query.label in "89"]
    point = calibrate(matcher, known, unknown, fpir=0.15).point
    assert isinstance(point.unknown, Mapping)
    assert {name: kind["queries"] for name, kind in point.unknown.items()} == {
        LEFT_OUT: len(known),
        GIVEN: len(unknown),
    }
    assert point.mated == len(known)
    strangers = nearest(matcher, known, without_own=True)
    strangers += nearest(matcher, unknown, without_own=False)
    assert point.false == sum(d <= point.threshold for d in strangers) <= 0.15 * 40
    together = calibrate(matcher, queries, fpir=0.15)  # the labels say it just as well
    assert together.point == point
    assert any(f"of {len(unknown)} given as unknown." in line for line in together.sentences())


def test_made_unknowns_are_a_kind_of_their_own_that_keeps_the_rate(matcher, queries) -> None:
    plain = calibrate(matcher, queries, fpir=0.1)
    made = calibrate(matcher, queries, fpir=0.1, made_unknowns=True, name="made")
    assert isinstance(made.point.unknown, Mapping)
    assert {name: kind["queries"] for name, kind in made.point.unknown.items()} == {
        LEFT_OUT: 40,
        MADE: 40,
    }
    assert all(kind["false"] <= 4 for kind in made.point.unknown.values())
    assert made.point.threshold <= plain.point.threshold
    assert any(" of 40 made of the pictures." in line for line in made.sentences())
    again = calibrate(matcher, queries, fpir=0.1, made_unknowns=True, name="again")
    assert again.point == made.point
    assert "--made-unknowns" in command("digits.gallery", "made", made.point)


def test_made_unknowns_do_not_stand_in_for_pictures(matcher, queries) -> None:
    with pytest.raises(CalibrationError, match=r"needs at least 300 .* Received: 40\."):
        calibrate(matcher, queries, fpir=0.01, made_unknowns=True)
    assert matcher.gallery.points.default == "eer"


def test_unknowns_cannot_be_made_of_pictures_of_one_group(matcher, queries) -> None:
    ones = [replace(query, label="1") for query in queries]
    with pytest.raises(CalibrationError, match=r"pictures of two groups in DATA\. Received: 1\."):
        calibrate(matcher, ones, fpir=0.1, made_unknowns=True)


@pytest.mark.parametrize("wanted", [{"fmr": 0.1}, {"fpir": 0.1, "data": None}])
def test_made_unknowns_need_a_target_fpir_and_pictures(matcher, queries, wanted) -> None:
    with pytest.raises(ValueError, match="Made unknowns need `fpir`, a target FPIR, and `data`"):
        calibrate(matcher, **{"data": queries, "made_unknowns": True, **wanted})


def test_the_pictures_that_unknowns_are_made_of_are_an_even_sample() -> None:
    """Of 3,000 pictures 500 are kept: of each third about 167, ± 4 standard deviations of 10."""
    pictures = np.arange(3000).astype(np.uint16).view(np.uint8).reshape(3000, 1, 2)
    made = MadeUnknowns()
    for start in range(0, 3000, 100):
        rows = range(start, start + 100)
        part = [Record(str(row), str(row // 1000), pictures[row]) for row in rows]
        made.see(
            Decoded(
                [*part, Record("x", None, pictures[0])],
                np.stack([p.image for p in part] + [pictures[0]]),
            )
        )
    kept = Counter(made._labels)
    assert sum(kept.values()) == 500
    assert all(abs(kept[label] - 500 / 3) < 42 for label in "012")


def test_without_data_the_references_are_asked_among_each_other(matcher, references) -> None:
    point = calibrate(matcher, fpir=0.05).point
    assert "optimistic" in (point.measured_on or "")
    assert (point.queries, point.mated) == (300, 300)
    strangers = nearest(matcher, references, without_own=True)
    assert point.false == sum(d <= point.threshold for d in strangers) == 15


@pytest.mark.parametrize("cross_validate", [False, True])
def test_references_that_the_model_was_trained_on_are_warned_of(
    matcher, monkeypatch, cross_validate
) -> None:
    monkeypatch.setitem(matcher.embedder.metadata, "labels", list("0123456789"))
    made = calibrate(matcher, fpir=0.05, cross_validate=cross_validate)
    assert made.sentences()[-1].startswith("The model was trained on 10 of these 10 groups.")


def test_other_pictures_of_groups_that_the_model_was_trained_on_are_right(
    matcher, queries, monkeypatch
) -> None:
    monkeypatch.setitem(matcher.embedder.metadata, "labels", list("0123456789"))
    assert "trained on" not in " ".join(calibrate(matcher, queries, fpir=0.1).sentences())


def test_pictures_that_are_references_are_passed_over_and_counted(
    matcher, queries, references
) -> None:
    renamed = [replace(record, id=f"other/{record.id}") for record in references[:7]]
    made = calibrate(matcher, [*renamed, *queries], fpir=0.1)
    assert (made.in_gallery, made.point.queries) == (7, 40)
    assert "Passed over as already in the gallery: 7 pictures." in made.sentences()
    damaged = Record("damaged", "1", ImageError("truncated"))
    with pytest.raises(CalibrationError, match="All 7 readable pictures are in the gallery"):
        calibrate(matcher, [damaged, *renamed], fpir=0.1)
    with pytest.raises(CalibrationError, match="No picture could be read: damaged: truncated"):
        calibrate(matcher, [damaged], fpir=0.1)
    with pytest.raises(CalibrationError, match="The input has no pictures"):
        calibrate(matcher, [], fpir=0.1)
    with pytest.raises(CalibrationError, match="All 7 readable pictures are in the gallery"):
        calibrate(matcher, renamed, fpir=0.1)


def test_too_few_pictures_are_refused_with_the_number_it_takes_and_nothing_is_stored(
    matcher, queries
) -> None:
    with pytest.raises(CalibrationError, match=r"at least 300 non-mated queries.*Received: 40\."):
        calibrate(matcher, queries, fpir=0.01)
    assert list(matcher.gallery.points.all()) == ["eer"]


def test_the_refusal_says_how_many_pictures_were_passed_over(matcher, references, queries) -> None:
    with pytest.raises(CalibrationError, match="Passed over as already in the gallery: 30"):
        calibrate(matcher, [*references[:30], *queries[:5]], fpir=0.1)


def test_a_point_of_the_model_is_not_replaced(matcher, queries) -> None:
    before = matcher.gallery.points.all()
    with pytest.raises(ValueError, match="'eer' is the model's own operating point"):
        calibrate(matcher, queries, fpir=0.1, name="eer")
    assert matcher.gallery.points.all() == before


def test_a_picture_without_a_label_is_not_data(matcher, queries) -> None:
    with pytest.raises(UnlabelledError, match=r"mnist/test/00000 has no label.*--unknown"):
        calibrate(matcher, [replace(queries[0], label=None)], fpir=0.1)


def test_a_picture_of_a_known_group_is_not_an_unknown(matcher, queries) -> None:
    with pytest.raises(UnlabelledError, match="of group '7', which the gallery has"):
        calibrate(matcher, unknown=queries, fpir=0.1)


def test_a_gallery_of_one_group_needs_unknowns(matcher, queries, references) -> None:
    matcher.gallery.remove([r.id for r in references if r.label != "7"])
    sevens = [query for query in queries if query.label == "7"]
    with pytest.raises(CalibrationError, match="without its only group the gallery is empty"):
        calibrate(matcher, sevens, fpir=0.1)
    others = [query for query in queries if query.label != "7"]
    point = calibrate(matcher, sevens, others, fpir=0.1).point
    assert (point.queries, point.mated) == (len(others), len(sevens))


def test_an_empty_gallery_cannot_be_calibrated(tmp_path, fake, queries) -> None:
    with (
        Matcher.create(tmp_path / "empty", fake) as matcher,
        pytest.raises(EmptyGalleryError),
    ):
        calibrate(matcher, queries, fpir=0.1)


def test_dearer_false_matches_make_a_smaller_threshold(matcher, queries) -> None:
    dear = calibrate(matcher, queries, cost=Cost(100, 1, 0.5)).point
    cheap = calibrate(matcher, queries, cost=Cost(1, 100, 0.5)).point
    assert dear.threshold < cheap.threshold
    assert cheap.fpir is not None
    assert cheap.fnir is not None
    assert cheap.expected_cost == 0.5 * cheap.fpir + 50 * cheap.fnir


@pytest.mark.parametrize(
    "wanted", [{}, {"fpir": 0.1, "cost": Cost(1, 1, 0.5)}, {"per_group": True}]
)
def test_one_thing_must_be_wanted(matcher, queries, wanted) -> None:
    with pytest.raises(ValueError, match="`fpir`"):
        calibrate(matcher, queries, **wanted)


@pytest.mark.parametrize("rate", ["fpir", "fmr"])
@pytest.mark.parametrize("target", [0, -1, 1, 2, float("nan"), float("inf")])
def test_a_target_that_is_no_share_is_refused_before_a_picture_is_read(
    matcher, rate, target
) -> None:
    with pytest.raises(ValueError, match=f"`{rate}` must be above 0 and below 1. Received: "):
        calibrate(matcher, unread(), **{rate: target})


def test_a_margin_that_is_no_distance_is_refused_before_a_picture_is_read(matcher) -> None:
    with pytest.raises(ValueError, match="`min_margin` must be a finite number >= 0"):
        calibrate(matcher, unread(), fpir=0.1, min_margin=float("nan"))


def test_thresholds_by_group_are_stored_and_keep_the_rate_when_used(matcher, queries) -> None:
    point = calibrate(matcher, fpir=0.1, per_group=True).point
    assert point.group_thresholds
    _, labels, vectors = matcher.gallery.references()
    false = 0
    for label, vector in zip(labels, vectors, strict=True):
        gaps = np.linalg.norm(vectors[labels != label].astype(np.float64) - vector, axis=1)
        others = zip(gaps.astype(np.float32).tolist(), labels[labels != label], strict=True)
        distance, name = min(others)
        false += distance <= point.group_thresholds.get(name, point.threshold)
    assert point.false is not None
    assert false == point.false <= 0.1 * 300
    some = dict(list(point.group_thresholds.items())[:1])
    assert matcher.gallery.points.rule().limits.groups.items() >= some.items()


def test_at_most_the_wanted_share_of_pairs_of_two_groups_matches(matcher, queries) -> None:
    made = calibrate(matcher, queries, fmr=0.01)
    point = made.point
    _, labels, stored = matcher.gallery.references()
    assert (made.name, point.rate, point.target) == ("fmr-0.01", "fmr", 0.01)
    assert point.queries == 40 * 100  # of 300 references 100 are drawn for each query
    assert point.false is not None
    assert point.interval is not None
    assert point.measured == point.false / 4000 <= 0.01
    low, high = point.interval
    assert low < point.measured < high
    gaps = stored[None].astype(np.float64) - vectors_of(matcher, queries)[:, None]
    impostor = np.array([[query.label != label for label in labels] for query in queries])
    every = np.linalg.norm(gaps, axis=2)[impostor]  # of which the drawn ones are a sample
    assert 0.005 < np.mean(every <= point.threshold) < 0.02
    strangers = nearest(matcher, queries, without_own=True)
    assert point.fpir == np.mean(np.array(strangers) <= point.threshold)
    assert "FMR 1 %: 40 of 4000 pairs" in made.sentences()[1]


def test_too_few_pairs_are_refused_with_the_number_it_takes(matcher, queries) -> None:
    with pytest.raises(CalibrationError, match=r"at least 30000 pairs of two groups.*: 4000"):
        calibrate(matcher, queries, fmr=0.0001)


@pytest.mark.parametrize("per_group", [False, True])
def test_with_a_group_really_gone_check_matches_just_as_many_of_it(
    matcher, references, per_group
) -> None:
    """Leaving a group out in the search is the same as taking it out of the gallery."""
    point = calibrate(matcher, fpir=0.1, per_group=per_group).point
    assert bool(point.group_thresholds) == per_group
    matched = 0
    for label in sorted({record.label for record in references}):
        group = [record for record in references if record.label == label]
        matcher.gallery.remove([record.id for record in group])
        answers = matcher.check([record.pixels() for record in group])
        matched += sum(answer.decision == "match" for answer in answers)
        matcher.add(group)
    assert point.false is not None
    assert matched == point.false > 0


def test_the_p_value_of_an_unknown_is_at_most_p_in_a_share_p_of_all_cases(matcher, queries) -> None:
    made = calibrate(matcher, fpir=0.1)
    strangers = np.array(nearest(matcher, queries, without_own=True), np.float32)
    share = float((matcher.gallery.points.evidence(made.name).p_values(strangers) <= 0.5).mean())
    assert abs(share - 0.5) < 3 * np.sqrt(0.25 / 40)  # three standard errors of 40 queries
