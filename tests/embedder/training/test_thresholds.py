"""The thresholds of a model, on embeddings with known distances."""

import numpy as np
import pytest

from embedder.training.thresholds import FPIR, pair_point, search_point

ORIGIN = np.zeros((1, 2), np.float32)  # one reference, of group "a"


def at(*distances: float) -> np.ndarray:
    """Embeddings at these distances from the reference."""
    return np.array([[distance, 0] for distance in distances], np.float32)


def searched(known, known_labels, unknown):
    return search_point(ORIGIN, np.array(["a"]), known, np.array(known_labels), unknown)


def test_of_200_unknown_at_most_four_are_matched():
    unknown = at(*np.arange(1, 201) / 200)  # 0.005, 0.01, ..., and 2 % of 200 is 4
    point = searched(at(0.0), ["a"], unknown)
    assert 0.02 <= point["threshold"] < 0.025
    assert (point["false"], point["unknown"], point["fpir"]) == (4, 200, FPIR)


@pytest.mark.parametrize("count", [2, 10, 30, 149])
def test_of_few_unknown_as_many_are_matched_as_they_can_show(count):
    point = searched(at(0.0), ["a"], at(*np.arange(1, count + 1) / count))
    assert point["false"] == min(count, 3)  # 3 / n: below it, no count of errors says anything


def test_unknown_at_equal_distances_are_kept_out_together():
    point = searched(at(0.0), ["a"], at(*[0.5] * 100))
    assert (point["false"], point["threshold"]) == (0, pytest.approx(0.5))


def test_a_known_picture_too_far_or_nearest_to_another_group_is_missed():
    point = searched(at(0.1, 0.1, 0.9), ["a", "b", "a"], at(*[0.5] * 100))
    assert (point["missed"], point["known"], point["fnir"]) == (2, 3, 2 / 3)


def test_the_nearest_of_many_references_is_found_whatever_fits_in_memory(rng, monkeypatch):
    references, known, unknown = (rng.normal(size=(n, 4)).astype(np.float32) for n in (30, 20, 100))
    labels = np.array(["a", "b"])
    arguments = references, labels[np.arange(30) % 2], known, labels[np.arange(20) % 2], unknown
    whole = search_point(*arguments)
    monkeypatch.setattr("embedder.training.thresholds._AT_ONCE", 70)  # two queries at once
    assert search_point(*arguments) == whole
    gaps = np.linalg.norm(unknown[:, None].astype(np.float64) - references[None], axis=-1)
    assert whole["false"] == np.sum(gaps.min(axis=1).astype(np.float32) <= whole["threshold"]) == 3


def test_the_threshold_for_pairs_is_the_one_at_the_eer():
    point = pair_point(np.array([0.1, 0.9]), np.array([0.5, 2.0]), images=3)
    assert (point["threshold"], point["fmr"], point["fnmr"]) == (0.5, 0.5, 0.5)
    assert point["measured_on"] == "4 pairs of 3 validation images"
