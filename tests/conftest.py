"""What every test shares: a quiet TensorFlow, one random generator, hypothesis without a clock."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is first imported
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # results must not depend on a graphics card

# A shared machine is slow now and then: a deadline would make the clock a source of failures.
settings.register_profile("likewise", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("likewise")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)
