"""Thresholds against their definitions, counted one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from likewise.metrics.searches import Mated, NonMated
from likewise.metrics.thresholds import (
    CalibrationError,
    Cost,
    largest_threshold,
    limits_by_group,
    threshold_for_cost,
    threshold_for_fpir,
)

# Few different values, so that equal distances are the rule.
few = st.sampled_from([0.0, 1e-45, 0.25, 0.5, float(np.nextafter(np.float32(0.5), 1)), 1.5])
any_distance = st.floats(0, 4, width=32)
distances = hnp.arrays(np.float32, st.integers(1, 30), elements=few | any_distance)
targets = st.floats(0.001, 0.999) | st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.5, 2 / 3, 0.7])


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def share_within(distances: np.ndarray, threshold: float) -> float:
    return sum(float(distance) <= threshold for distance in distances) / len(distances)


@pytest.mark.costly
@given(distances, targets)
def test_the_threshold_is_the_largest_float32_whose_share_is_at_most_the_target(
    found: np.ndarray, target: float
) -> None:
    if share_within(found, 0.0) > target:
        with pytest.raises(CalibrationError, match="at a distance of 0"):
            largest_threshold(found, target)
        return
    threshold = largest_threshold(found, target)
    assert float(np.float32(threshold)) == threshold
    assert threshold >= 0
    assert share_within(found, threshold) <= target
    if threshold < found.max():  # the next float32 up is one, or several equal ones, too many
        above = float(np.nextafter(np.float32(threshold), np.float32(np.inf)))
        assert share_within(found, above) > target
    else:
        assert threshold == found.max()


@pytest.mark.costly
@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_target_that_is_a_count_over_all_allows_just_that_count(a: int, b: int) -> None:
    count, trials = sorted((a, b))
    assume(count < trials)
    result = np.arange(1, trials + 1, dtype=np.float32)
    threshold = largest_threshold(result, count / trials)
    assert np.count_nonzero(result <= threshold) == count


def test_of_a_hundred_distances_one_percent_allows_one() -> None:
    result = np.arange(1, 101, dtype=np.float32)
    threshold = largest_threshold(result, 0.01)
    assert threshold == np.nextafter(np.float32(2), np.float32(0))


def test_a_target_of_one_percent_is_refused_for_299_queries_and_taken_for_300() -> None:
    few, enough = (
        NonMated(np.linspace(0.1, 1, n, dtype=np.float32), ["a"] * n) for n in (299, 300)
    )
    with pytest.raises(
        CalibrationError, match=r"at least 300 non-mated .* Received: 299.*target of at least"
    ):
        threshold_for_fpir([few], 0.01)
    threshold = threshold_for_fpir([enough], 0.01)
    assert np.count_nonzero(enough.distances <= threshold) == 3


def test_the_rate_that_a_refusal_offers_is_one_that_is_taken() -> None:
    result = NonMated(np.linspace(0.1, 1, 299, dtype=np.float32), ["a"] * 299)
    with pytest.raises(CalibrationError, match=r"target of at least 0\.011\."):  # 3 / 299 = 0.01003
        threshold_for_fpir([result], 0.01)
    assert threshold_for_fpir([result], 0.011) > 0


@pytest.mark.parametrize("target", [0, 1, -0.1, 2, math.nan])
def test_an_invalid_rate_is_refused(target: float) -> None:
    with pytest.raises(ValueError, match="above 0 and below 1"):
        largest_threshold(f32(1), target)


def test_a_hard_kind_is_not_covered_up_by_an_easy_one() -> None:
    easy = NonMated(np.linspace(2, 3, 10_000, dtype=np.float32), ["a"] * 10_000)
    hard = NonMated(np.linspace(0.1, 1, 30, dtype=np.float32), ["a"] * 30)
    both = threshold_for_fpir([easy, hard], 0.1)
    assert both == largest_threshold(hard.distances, 0.1)
    # Ten of the hard ones are too few to be judged by themselves: they count in the pool.
    few = NonMated(hard.distances[:10], ["a"] * 10)
    pooled = np.concatenate([easy.distances, few.distances])
    assert threshold_for_fpir([easy, few], 0.1) == largest_threshold(pooled, 0.1)


labelled = st.lists(st.tuples(any_distance | few, st.sampled_from("abc")), min_size=1, max_size=60)


@pytest.mark.costly
@given(labelled, st.sampled_from([0.1, 0.2, 0.3, 0.5]))
def test_thresholds_by_group_keep_the_rate_in_each_such_group_and_in_all(
    found: list[tuple[float, str]], target: float
) -> None:
    assume(all(distance > 0 for distance, _ in found))
    pool = NonMated(f32(*(distance for distance, _ in found)), [label for _, label in found])
    general = largest_threshold(pool.distances, target)
    sizes = {label: pool.labels.count(label) for label in pool.labels}
    able = {label for label, size in sizes.items() if size >= 3 / target}
    if not able:
        with pytest.raises(CalibrationError, match=f"Received: at most {max(sizes.values())}"):
            limits_by_group(pool, target, general)
        return
    limits = limits_by_group(pool, target, general)
    assert limits.groups.keys() == able
    assert limits.threshold <= general
    for label in able:
        inside = [d <= limits.groups[label] for d, other in found if other == label]
        assert sum(inside) / len(inside) <= target
    assert pool.matched(limits).mean() <= target


@pytest.mark.costly
@given(labelled, labelled, st.floats(0.1, 100), st.floats(0.1, 100), st.floats(0.01, 0.99))
def test_no_threshold_costs_less_than_the_chosen_one(known, unknown, false_match, miss, share):
    own = f32(*(distance for distance, _ in known))
    other = f32(*(1.0 if label == "a" else 3.0 for _, label in known))
    mated = Mated(own, other, ["x"] * len(own))
    pool = NonMated(f32(*(distance for distance, _ in unknown)), ["x"] * len(unknown))
    cost = Cost(false_match, miss, share)

    def price(threshold: float) -> float:
        fpir = share_within(pool.distances, threshold)
        hits = sum(a < b and a <= threshold for a, b in zip(own, other, strict=True))
        return share * false_match * fpir + (1 - share) * miss * (1 - hits / len(own))

    chosen = threshold_for_cost(mated, pool, cost)
    every = [0.0, *own.tolist(), *pool.distances.tolist(), 5.0]
    assert price(chosen) <= min(map(price, every)) + 1e-9


@pytest.mark.parametrize("wrong", [(0, 1, 0.5), (1, math.inf, 0.5), (1, 1, 0), (1, 1, 1)])
def test_costs_that_are_none_are_refused(wrong: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="Received"):
        Cost(*wrong)
