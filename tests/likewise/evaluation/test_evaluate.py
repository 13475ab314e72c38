"""Evaluation: the figures beside explicit loops, and the refusals."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from embedder.data.records import Record
from embedder.errors import UnlabelledError
from index.decision import CheckOptions
from likewise.calibration.calibrate import calibrate
from likewise.evaluation.estimates import Estimate
from likewise.evaluation.evaluate import evaluate
from likewise.evaluation.overlap import OverlapError
from likewise.joins import UnmatchedLabelsError
from likewise.queries import GIVEN


def unread() -> Iterator[Record]:
    """Pictures that must not be read."""
    return (pytest.fail("a picture was read") for _ in range(1))


@pytest.fixture
def labels(queries):
    return [record.label for record in queries]


def distances(matcher, records):
    """Of each record to each reference, by the definition."""
    _, groups, references = matcher.gallery.references()
    asked = matcher.embedder.embed(matcher.embedder.prepare([r.pixels() for r in records]))
    gaps = asked[:, None].astype(np.float64) - references[None]
    return np.sqrt((gaps**2).sum(axis=2)).astype(np.float32), groups


def test_identification_counts_as_loops_over_all_distances_do(matcher, queries, labels):
    figures = evaluate(matcher, queries, seeds=1).figures
    result, groups = distances(matcher, queries)
    threshold = figures.operating_point.threshold
    nearest = [groups[row.argmin()] for row in result]
    right = sum(answer == label for answer, label in zip(nearest, labels, strict=True))
    hit = sum(
        answer == label and row.min() <= threshold
        for answer, label, row in zip(nearest, labels, result, strict=True)
    )
    strangers = [row[groups != label].min() for row, label in zip(result, labels, strict=True)]
    identification = figures.identification
    assert identification.rank_rates[1].events == right
    assert identification.fnir.events == len(queries) - hit
    assert identification.fpir is not None
    assert identification.fpir.events == sum(distance <= threshold for distance in strangers)


def test_a_query_as_near_to_another_group_is_matched_wrongly_and_not_with_none(
    matcher, references, queries
):
    matcher.add([replace(twin, id=f"twin/{twin.id}", label="twins") for twin in references])
    figures = evaluate(matcher, queries, seeds=1).figures.identification
    decisions = matcher.check(queries, CheckOptions(k=1))
    matched = sum(decision.decision == "match" for decision in decisions)
    assert figures.fnir.events == len(queries)  # a tie for rank 1 is a miss
    assert figures.wrong_group.events == matched > 0


def test_retrieval_counts_as_a_full_sort_does(matcher, queries, labels):
    figures = evaluate(matcher, queries, seeds=1).figures.retrieval
    result, groups = distances(matcher, queries)
    r_precisions = []
    for row, label in zip(result, labels, strict=True):
        size = int((groups == label).sum())
        nearest = groups[row.argsort(kind="stable")[:size]]
        r_precisions.append((nearest == label).mean())
    assert figures.queries == len(queries)
    # In float32 neighbours at nearly equal distances may change places at the R-th rank.
    assert figures.r_precision.value == pytest.approx(np.mean(r_precisions), abs=1e-3)


def test_every_figure_has_an_interval_that_holds_it(matcher, queries):
    def values(figures):
        for figure in figures.values() if isinstance(figures, dict) else figures:
            if isinstance(figure, dict) and "value" in figure:
                yield figure
            elif isinstance(figure, dict | list):
                yield from values(figure)

    letters = [Record(r.id, None, r.image) for r in queries[30:]]
    result = list(values(evaluate(matcher, queries[:30], letters, seeds=2).figures.to_json()))
    assert len(result) >= 30
    for figure in result:
        low, high = figure["interval"]
        assert low is None or low <= figure["value"]
        assert high is None or figure["value"] <= high


@pytest.mark.costly
def test_every_figure_of_a_draw_says_how_far_the_draws_differ(matcher, queries):
    figures = evaluate(matcher, queries, seeds=4).figures
    assert figures.verification is not None
    for figure in (figures.verification.named() | figures.retrieval.named()).values():
        if isinstance(figure, Estimate):
            assert figure.range is not None
            low, high = figure.range
            assert 0 <= low < high
    for figure in figures.retrieval.named().values():  # of equal draws: the value is their mean
        if isinstance(figure, Estimate):
            assert figure.range is not None
            low, high = figure.range
            assert low <= figure.value <= high


def test_no_other_number_is_a_measured_share(matcher, queries):
    figures = evaluate(matcher, queries, seeds=1).figures.to_json()
    for part in ("verification", "identification", "retrieval"):
        assert not [name for name, result in figures[part].items() if isinstance(result, float)]


def test_each_pair_counts_once_and_few_pictures_support_no_small_rate(matcher, queries, labels):
    figures = evaluate(matcher, queries, seeds=3).figures.verification
    sizes = [labels.count(label) for label in set(labels)]
    same = sum(size * (size - 1) // 2 for size in sizes)
    assert figures is not None
    assert figures.same_pairs == same
    assert figures.different_pairs == 40 * 39 // 2 - same
    assert figures.fnmr_at_fmr[0.001] is None  # would take 3,000 different pairs


def test_a_wrong_group_within_the_threshold_is_listed_as_a_miss(matcher, queries):
    figures = evaluate(matcher, queries, seeds=1).figures
    wrong = [miss for miss in figures.missed if miss.answer is not None]
    counted = figures.identification.wrong_group
    assert counted is not None
    assert counted.events is not None
    assert len(wrong) == counted.events > 0
    assert all(miss.answer != miss.label for miss in wrong)
    assert len(figures.missed) == figures.identification.fnir.events


@pytest.mark.costly
def test_the_same_seed_gives_the_same_figures(matcher, queries):
    first, again = (evaluate(matcher, queries, seed=3).figures for _ in range(2))
    assert first == again
    assert first.verification != evaluate(matcher, queries, seed=4).figures.verification


def test_pictures_given_as_unknown_are_non_mated_queries(matcher, queries):
    data, letters = queries[:30], [Record(r.id, None, r.image) for r in queries[30:]]
    figures = evaluate(matcher, data, letters, seeds=1).figures
    assert figures.queries.strangers == len(letters)
    assert figures.unknown_groups[GIVEN].queries == len(letters)


def test_references_are_refused_by_name_unless_overlap_is_allowed(matcher, references, queries):
    with pytest.raises(OverlapError, match=f"2 of {len(queries) + 2} .*{references[4].id}"):
        evaluate(matcher, [*queries, *references[4:6]])
    figures = evaluate(matcher, [*queries, *references[4:6]], allow_overlap=True, seeds=1).figures
    assert figures.overlap.references == 2


@pytest.mark.costly
def test_what_the_embedder_was_trained_on_is_refused(matcher, references, queries):
    from embedder.data.sources import load

    matcher.embedder.metadata["data"] = {
        "name": "mnist/train",
        "sha256": load("mnist/train").digest,
    }
    matcher.gallery.remove([references[0].id])  # no reference any more, but trained on
    with pytest.raises(OverlapError, match="training pictures of the embedder"):
        evaluate(matcher, [*queries, references[0]])


@pytest.mark.costly
def test_a_threshold_is_not_judged_by_the_pictures_that_chose_it(matcher, queries):
    chosen, others = queries[:30], queries[30:]
    calibrate(matcher, chosen, fpir=0.1, name="chosen")
    with pytest.raises(OverlapError, match=f"1 of {len(others) + 1} .*'chosen': {chosen[0].id}"):
        evaluate(matcher, [*others, chosen[0]], seeds=1)
    evaluation = evaluate(matcher, [*others, chosen[0]], seeds=1, allow_overlap=True)
    assert evaluation.figures.overlap.calibration == 1
    assert evaluate(matcher, others, seeds=1).figures.overlap.calibration == 0
    assert evaluate(matcher, chosen, at="eer", seeds=1).figures.overlap.calibration == 0


def test_a_picture_without_a_label_is_passed_over_and_named(matcher, queries):
    evaluation = evaluate(matcher, [*queries, Record("x", None, queries[0].image)], seeds=1)
    assert evaluation.figures.queries.mated == len(queries)
    assert evaluation.asked.passed_over == ["Passed over as without a label: 1 picture, 'x'."]


def test_pictures_without_any_label_are_refused_as_data(matcher, queries):
    with pytest.raises(UnlabelledError, match="--unknown"):
        evaluate(matcher, [Record("x", None, queries[0].image)])


def test_pictures_of_no_group_of_the_gallery_cannot_be_evaluated(matcher, queries):
    with pytest.raises(UnmatchedLabelsError, match=r"none of 2 has such a label: 'cat' \(2\)"):
        evaluate(matcher, [Record(str(n), "cat", queries[n].image) for n in range(2)])


def test_cross_validation_counts_as_loops_over_the_folds_do(matcher, references):
    evaluation = evaluate(matcher, cross_validate=True, seeds=1)
    figures, folds = evaluation.figures, evaluation.asked.folds
    assert folds is not None
    assert figures.identification.fpir is not None
    gaps = folds.vectors[:, None].astype(np.float64) - folds.vectors[None]
    result = np.sqrt((gaps**2).sum(axis=2)).astype(np.float32)
    result[folds.fold[:, None] == folds.fold] = np.inf  # its own fold is not searched
    labels = np.array(folds.labels)
    threshold = figures.operating_point.threshold
    right, hits, strangers, r_precisions = 0, 0, 0, []
    for row in folds.asked.tolist():
        nearest = result[row].argmin()
        is_right = labels[nearest] == labels[row]
        right += is_right
        hits += is_right and result[row, nearest] <= threshold
        strangers += result[row][labels != labels[row]].min() <= threshold
        size = int(np.isfinite(result[row][labels == labels[row]]).sum())
        order = result[row].argsort(kind="stable")[:size]
        r_precisions.append((labels[order] == labels[row]).mean())
    asked = len(folds.asked)
    assert figures.queries.pictures == figures.queries.mated == asked <= len(references)
    assert figures.identification.rank_rates[1].events == right
    assert figures.identification.fnir.events == asked - hits
    assert figures.identification.fpir.events == strangers
    # In float32 neighbours at nearly equal distances may change places at the R-th rank.
    assert figures.retrieval.queries == min(asked, 500)
    if asked <= 500:
        assert figures.retrieval.r_precision.value == pytest.approx(np.mean(r_precisions), abs=1e-3)


def test_a_threshold_that_the_references_chose_is_called_optimistic(matcher):
    calibrate(matcher, cross_validate=True, fpir=0.05)
    sentences = evaluate(matcher, cross_validate=True, seeds=1).asked.passed_over
    assert "The references chose the threshold 'fpir-0.05' too" in sentences[-1]


def test_groups_of_one_cannot_be_cross_validated(matcher, references):
    kept = {record.label: record.id for record in references}
    matcher.gallery.remove([r.id for r in references if r.id not in kept.values()])
    with pytest.raises(ValueError, match="needs a group of two references"):
        evaluate(matcher, cross_validate=True)


def test_cross_validation_takes_no_other_pictures(matcher, queries):
    with pytest.raises(ValueError, match="leave out other pictures"):
        evaluate(matcher, queries, cross_validate=True)
    with pytest.raises(ValueError, match="Expected labelled pictures"):
        evaluate(matcher)


@pytest.mark.parametrize(
    ("wanted", "least"), [({"seeds": 0}, 1), ({"seeds": 2.5}, 1), ({"seed": -1}, 0)]
)
def test_a_seed_out_of_range_is_refused_before_a_picture_is_read(matcher, wanted, least):
    [(name, value)] = wanted.items()
    sentence = f"`{name}` must be a whole number >= {least}. Received: {value}."
    with pytest.raises(ValueError, match=sentence):
        evaluate(matcher, unread(), **wanted)
