"""The figures of a model, and those of the model that is shipped."""

import pytest

from embedder.datasets import load
from embedder.model import Embedder
from service.measurement import measure


@pytest.mark.slow
def test_the_shipped_models_figures_are_those_of_a_fresh_evaluation():
    embedder = Embedder.load()
    fresh = measure(embedder, load("mnist/train"), load("mnist/test"))
    assert fresh == pytest.approx(embedder.metadata["figures"]["test"], abs=1e-4)


@pytest.mark.slow
def test_the_shipped_model_reaches_its_bars_on_the_10_000_test_digits():
    figures = Embedder.load().metadata["figures"]["test"]
    assert (figures["queries"], figures["references"], figures["in_both"]) == (10_000, 60_000, 0)
    assert figures["pair_accuracy"] >= 0.997
    assert figures["eer"] <= 0.0030
    assert figures["nearest_neighbour_error"] <= 0.0035


def test_pictures_in_both_sets_are_counted():
    test = load("mnist/test").subset(range(60))
    figures = measure(Embedder.load(), test, test)
    assert figures["in_both"] == 60
