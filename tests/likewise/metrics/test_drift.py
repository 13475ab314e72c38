"""The drift of distances from what is expected."""

from __future__ import annotations

import numpy as np

from likewise.metrics.drift import LEAST, Expected, drift, stability_index


def test_the_stability_index_of_a_case_done_by_hand():
    # (0.6 - 0.5) ln(0.6 / 0.5) + (0.4 - 0.5) ln(0.4 / 0.5) = 0.1 (0.18232 + 0.22314)
    result = stability_index(np.array([0.6, 0.4]), np.array([0.5, 0.5]))
    np.testing.assert_allclose(result, 0.040546, atol=1e-6)


def test_what_is_like_the_calibration_has_no_drift_however_many_are_unknown(rng):
    def drawn(mean: float, count: int) -> np.ndarray:
        return np.abs(rng.normal(mean, 0.1, count)).astype(np.float32)

    due = Expected(drawn(0.2, 2000), drawn(1.0, 2000))
    for unknown in (0.0, 0.1, 0.5, 1.0):
        count = int(4000 * unknown)
        live = np.concatenate([drawn(0.2, 4000 - count), drawn(1.0, count)])
        assert drift(live, due) < 0.1
    assert drift(drawn(0.6, 4000), due) > 1  # between the two: neither known nor unknown
    assert np.isnan(drift(drawn(0.2, LEAST - 1), due))


def test_without_a_calibration_the_references_alone_are_expected(rng):
    due = Expected(rng.gamma(2.0, 0.1, 2000).astype(np.float32), None)
    assert drift(rng.gamma(2.0, 0.1, 4000).astype(np.float32), due) < 0.1
    assert drift(rng.gamma(2.0, 0.3, 4000).astype(np.float32), due) > 0.25
