"""The rule that turns neighbours into a decision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.decision import CheckOptions, Decision, Rule, decide, for_group
from index.neighbours import Neighbour, Neighbours
from likewise.metrics.limits import Limits


def neighbours(*pairs: tuple[str, float]) -> Neighbours:
    labels, distances = zip(*pairs, strict=True)
    ids = [f"r{rank}" for rank in range(len(pairs))]
    return Neighbours(
        np.array([ids], object), np.array([labels], object), np.array([distances], np.float32)
    )


def decide_one(
    *pairs: tuple[str, float], threshold: float, margin: float | None = None
) -> Decision:
    [answer] = decide(neighbours(*pairs), Rule(Limits(threshold), margin))
    return answer


def test_the_majority_within_the_threshold_wins() -> None:
    answer = decide_one(("a", 0.1), ("b", 0.2), ("b", 0.3), threshold=0.5)
    assert (answer.decision, answer.label) == ("match", "b")
    assert answer.distance == np.float32(0.2)


def test_a_tie_goes_to_the_nearer_label() -> None:
    answer = decide_one(("b", 0.1), ("a", 0.2), ("a", 0.3), ("b", 0.4), threshold=0.5)
    assert answer.label == "b"


def test_references_beyond_the_threshold_have_no_vote() -> None:
    answer = decide_one(("a", 0.1), ("b", 0.6), ("b", 0.7), threshold=0.5)
    assert (answer.label, answer.runner_up_label) == ("a", "b")


def test_a_distance_equal_to_the_threshold_matches() -> None:
    assert decide_one(("a", 0.5), threshold=0.5).decision == "match"


def test_equality_is_judged_in_float64() -> None:
    stored = float(np.float32(0.1))  # a little more than 0.1
    assert decide_one(("a", 0.1), threshold=stored).decision == "match"
    assert decide_one(("a", 0.1), threshold=0.1).decision == "no_match"


def test_nothing_within_the_threshold_is_no_match_at_the_nearest_distance() -> None:
    answer = decide_one(("a", 0.75), ("b", 1.5), threshold=0.5)
    assert (answer.decision, answer.label, answer.distance) == ("no_match", None, 0.75)
    assert (answer.runner_up_label, answer.runner_up_distance) == ("b", 1.5)


def test_a_threshold_of_zero_is_taken_at_its_word() -> None:
    assert decide_one(("a", 0.0), threshold=0).decision == "match"
    assert decide_one(("a", 1e-9), threshold=0).decision == "no_match"


def test_there_is_no_runner_up_when_all_agree() -> None:
    answer = decide_one(("a", 0.1), ("a", 0.2), threshold=0.5)
    assert (answer.runner_up_label, answer.runner_up_distance) == (None, None)


def test_a_runner_up_that_is_too_near_makes_it_ambiguous() -> None:
    pairs = (("a", 0.25), ("b", 0.5))  # margin 0.25
    assert decide_one(*pairs, threshold=1, margin=0.25).decision == "match"
    answer = decide_one(*pairs, threshold=1, margin=0.26)
    assert (answer.decision, answer.label) == ("ambiguous", "a")


def test_where_all_neighbours_agree_the_runner_up_that_was_searched_for_decides() -> None:
    near, rule = neighbours(("a", 0.25), ("a", 0.3)), Rule(Limits(1.0), 0.5)
    for distance, decision in ((0.5, "ambiguous"), (0.75, "match")):
        [answer] = decide(near, rule, runners_up=[("b", distance)])
        assert (answer.decision, answer.label) == (decision, "a")
        named = ("b", distance) if decision == "ambiguous" else (None, None)
        assert (answer.runner_up_label, answer.runner_up_distance) == named
        assert for_group(answer, "a", 0.25).runner_up_label == named[0]
    [far] = decide(near, Rule(Limits(0.1), 0.5), runners_up=[("b", 0.5)])
    assert (far.decision, far.runner_up_label) == ("no_match", "b")
    [alone] = decide(near, rule, runners_up=[(None, None)])
    assert (alone.decision, alone.runner_up_label) == ("match", None)


def test_no_match_is_never_ambiguous() -> None:
    assert decide_one(("a", 0.75), ("b", 0.75), threshold=0.5, margin=1).decision == "no_match"


def test_ranks_begin_at_one_and_follow_the_columns() -> None:
    answer = decide_one(("a", 0.25), ("b", 0.5), threshold=1)
    assert answer.neighbours == [Neighbour(1, "r0", "a", 0.25), Neighbour(2, "r1", "b", 0.5)]
    assert answer.neighbours == neighbours(("a", 0.25), ("b", 0.5))[0]


@pytest.mark.parametrize("name", ["threshold", "min_margin"])
@pytest.mark.parametrize("wrong", [-0.1, float("nan"), float("inf"), "1", True])
def test_a_threshold_or_margin_that_is_not_a_distance_is_refused(name: str, wrong: float) -> None:
    options: dict[str, Any] = {name: wrong}
    with pytest.raises(ValueError, match=f"`{name}` must be a finite number >= 0"):
        CheckOptions(**options)


@pytest.mark.parametrize("wrong", [0, -3, 2.0, True, "5", None])
def test_a_k_that_is_no_whole_number_of_one_or_more_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"`k` must be a whole number >= 1\. Received: "):
        CheckOptions(k=wrong)


def test_a_group_that_is_not_a_text_is_refused() -> None:
    options: dict[str, Any] = {"group": 7}
    with pytest.raises(ValueError, match=r"`group` must be a label, a text. Received: 7\."):
        CheckOptions(**options)


def test_options_without_a_threshold_leave_it_to_the_operating_point() -> None:
    assert CheckOptions() == CheckOptions(k=5, threshold=None, min_margin=None, at=None)


def test_a_threshold_and_an_operating_point_are_one_too_many() -> None:
    with pytest.raises(ValueError, match=r"not both\. Received: 0\.5, 'eer'"):
        CheckOptions(threshold=0.5, at="eer")


def test_a_group_matches_only_where_the_plain_decision_does() -> None:
    plain = decide_one(("a", 0.1), ("b", 0.25), ("a", 0.3), threshold=0.5)
    chosen, other = for_group(plain, "a", 0.1), for_group(plain, "b", 0.25)
    assert (chosen.decision, chosen.label, chosen.runner_up_label) == ("match", "a", "b")
    assert (other.decision, other.label, other.distance) == ("no_match", None, 0.25)
    assert other.runner_up_label == "a"


def test_a_group_that_is_ambiguous_stays_so() -> None:
    plain = decide_one(("a", 0.25), ("b", 0.3), threshold=0.5, margin=0.2)
    assert for_group(plain, "a", 0.25).decision == "ambiguous"
    assert for_group(plain, "b", 0.3).decision == "no_match"


columns = st.lists(
    st.tuples(st.sampled_from("abc"), st.floats(0, 2, width=32)), min_size=1, max_size=9
).map(lambda pairs: sorted(pairs, key=lambda pair: pair[1]))


@pytest.mark.costly
@given(columns, st.floats(0, 2), st.floats(0, 2))
def test_a_stricter_threshold_never_adds_a_match(
    pairs: list[tuple[str, float]], one: float, other: float
) -> None:
    strict, loose = sorted((one, other))
    if decide_one(*pairs, threshold=strict).decision == "match":
        assert decide_one(*pairs, threshold=loose).decision == "match"


@pytest.mark.costly
@given(columns, st.floats(0, 2))
def test_the_winner_has_the_most_votes_and_the_nearest_of_them(
    pairs: list[tuple[str, float]], threshold: float
) -> None:
    votes = [label for label, distance in pairs if distance <= threshold]
    answer = decide_one(*pairs, threshold=threshold)
    assert (answer.label is None) == (not votes)
    if votes:
        most = max(map(votes.count, votes))
        assert answer.label == next(label for label in votes if votes.count(label) == most)
        assert answer.distance == min(d for label, d in pairs if label == answer.label)
