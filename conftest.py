"""What every test and every docstring's example shares."""

from __future__ import annotations

import os
from typing import Any

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


@pytest.fixture(autouse=True)
def _numpy_in_examples(doctest_namespace: dict[str, Any]) -> None:
    """Examples in docstrings write `np`, as every reader of NumPy's own does."""
    doctest_namespace["np"] = np
