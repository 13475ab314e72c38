"""Rows by label, and partners drawn from them."""

import numpy as np

from likewise.metrics.groups import Groups, rows_by_group


def test_partners_are_drawn_evenly():
    groups = Groups.of(["a"] * 4 + ["b"])
    partners = groups.same_partners(np.zeros(3000, dtype=np.int64), np.random.default_rng(0))
    # Three other images of label a, 1000 draws each on average, standard deviation 26.
    assert set(partners) == {1, 2, 3}
    assert np.bincount(partners)[1:].min() > 1000 - 5 * 26


def test_no_partner_of_another_group_is_of_the_same_one():
    groups = Groups.of([7, 1, 7, 1, 10])
    images = np.repeat(np.arange(5), 100)
    partners = groups.different_partners(images, np.random.default_rng(0))
    assert not np.any(groups.codes[partners] == groups.codes[images])
    assert groups.names == ["1", "10", "7"]  # in order as text, whatever the labels are


def test_labels_that_end_in_a_nul_are_groups_of_their_own():
    assert list(rows_by_group(["a", "a\0"])) == ["a", "a\0"]
