"""The figures of a trained model, and those of the shipped one."""

import pytest

from bench.strangers import strangers
from embedder.data.sources import load, records
from embedder.model import Embedder
from index.decision import MATCH
from likewise.matcher import Matcher
from likewise.model_figures import measure


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


@pytest.fixture(scope="module")
def all_digits(tmp_path_factory):
    """A gallery of the 60,000 training digits that was not calibrated."""
    path = tmp_path_factory.mktemp("all") / "digits.gallery"
    with Matcher.create(path, Embedder.load()) as matcher:
        matcher.add(records("mnist/train"))
        yield matcher


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "most"), [("blank", 0.01), ("noise", 0.01), ("letters", 0.05)])
def test_the_shipped_models_own_threshold_keeps_strangers_away(kind, most, all_digits):
    answers = all_digits.check(strangers()[kind])
    assert sum(answer.decision == MATCH for answer in answers) <= most * len(answers)


def test_pictures_in_both_sets_are_counted():
    test = load("mnist/test").subset(range(60))
    figures = measure(Embedder.load(), test, test)
    assert figures["in_both"] == 60
