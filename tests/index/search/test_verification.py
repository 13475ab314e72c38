"""What a search is compared with, by definition."""

from __future__ import annotations

import numpy as np

from index.search import verification
from index.search.verification import least_distances


def test_least_distances_are_those_of_the_definition_whatever_is_in_memory(rng, monkeypatch):
    monkeypatch.setattr(verification, "_IN_CACHE", 7)
    vectors = rng.normal(size=(40, 5)).astype(np.float32)
    vectors[20:23] = vectors[3]  # three equals
    sample = np.array([0, 3, 39])
    gaps = vectors[sample].astype(np.float64)[:, None] - vectors  # (3, 40, dim)
    every = np.sort(np.sqrt(np.einsum("nmd,nmd->nm", gaps, gaps)), axis=1).astype(np.float32)
    for k in (1, 5, 40):
        np.testing.assert_array_equal(least_distances(vectors, sample, k), every[:, :k])
    assert least_distances(vectors, sample, 4)[1].tolist() == [0.0] * 4
