"""Made writing: digits that stay digits, signs that are none, the same for the same seed."""

from itertools import islice

import numpy as np
import pytest

from embedder.data.sources import load, records
from embedder.model import Embedder
from embedder.training.batches import BalancedImages
from embedder.training.outliers import OF_NO_GROUP
from embedder.training.recipes import RECIPES
from embedder.training.writing.copying import copied
from embedder.training.writing.drawing import draw
from embedder.training.writing.making import make_signs, make_writing
from embedder.training.writing.shapes import DIGITS
from likewise.matcher import Matcher
from likewise.metrics.groups import Groups


@pytest.fixture(scope="module")
def digits():
    return load("mnist/train").subset(range(500))


@pytest.fixture(scope="module")
def groups(digits):
    return Groups.of(digits.labels)


def test_the_same_seed_makes_the_same_writing_and_another_seed_other(digits, groups):
    (one, codes), (again, _), (other, _) = (
        make_writing(digits.images, groups, 30, seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    assert one.shape == (30, 28, 28)
    assert set(codes.tolist()) <= set(range(10))


def test_the_same_seed_makes_the_same_signs_and_another_seed_others():
    one, again, other = (make_signs((28, 28), 20, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_signs_beside_coloured_pictures_have_their_shape():
    signs = make_signs((28, 28, 3), 5, seed=0)
    np.testing.assert_array_equal(signs, make_signs((28, 28), 5, seed=0)[..., None].repeat(3, 3))
    assert make_signs((20, 33, 3), 0, seed=0).shape == (0, 20, 33, 3)


def test_hardly_any_copy_is_blank(digits):
    rng = np.random.default_rng(3)
    copies = np.stack([copied(picture, (28, 28), rng) for picture in digits.images[:300]])
    assert np.mean(copies.max(axis=(1, 2)) < 100) <= 0.02


def test_only_digits_that_are_trained_on_are_written():
    eights = load("mnist/train")
    rows = [row for row, label in enumerate(eights.labels[:300]) if label in "38"]
    some = eights.subset(rows)
    images = np.asarray(some.images)
    pictures, codes = make_writing(images, Groups.of(some.labels), 40, seed=0)
    assert len(pictures) == 40
    assert set(codes.tolist()) == {0, 1}


@pytest.mark.costly
@pytest.mark.parametrize("digit", DIGITS)
def test_most_drawings_of_a_digit_are_read_as_it(digit, tmp_path):
    """The judge is the shipped model, among 2,000 digits that people wrote.

    It was not trained on drawings, and takes some ones with a long flag for sevens.
    """
    rng = np.random.default_rng(0)
    drawn = [255 - draw(shape, rng) for shape in DIGITS[digit] for _ in range(20)]
    with Matcher.create(tmp_path / "gallery", Embedder.load()) as matcher:
        matcher.add(islice(records("mnist/train"), 2000))
        read = [decision.neighbours[0].label for decision in matcher.check(drawn)]
    assert read.count(digit) >= 0.8 * len(drawn)


def test_a_batch_holds_as_many_of_each_kind_as_the_recipe_says(digits):
    recipe = RECIPES["digits"].changed(batch=100, writing=0.5, signs=0.2, outliers=0.1)
    pictures, codes = BalancedImages(digits.images, digits.labels, recipe)[0]
    assert len(pictures) == len(codes) == 100 + 50 + 20 + 10
    assert (codes == OF_NO_GROUP).sum() == 20 + 10


@pytest.mark.parametrize("name", ["writing", "signs"])
def test_shares_above_one_and_for_drawn_pairs_are_refused(name):
    with pytest.raises(ValueError, match=rf"`{name}` must be a share from 0 to 1.*Received: 1.5"):
        RECIPES["digits"].changed(**{name: 1.5})
    with pytest.raises(ValueError, match=rf"`{name}` .* and 0 for a recipe that draws pairs"):
        RECIPES["tutorial"].changed(**{name: 0.5})
