"""What every test and every docstring's example shares."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is first imported
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # results must not depend on a graphics card

# A shared machine is slow now and then: a deadline would make the clock a source of failures.
settings.register_profile("likewise", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("likewise")

TENSORFLOW = Path(__file__).parent / "tests" / "embedder" / "training"


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process of pytest-xdist run all of a group (`--dist loadgroup`).

    Playwright allows one browser in a process, and TensorFlow takes seconds and half a gigabyte.
    """
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("browser"))
        elif TENSORFLOW in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("tensorflow"))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)


@pytest.fixture(autouse=True)
def _numpy_in_examples(doctest_namespace: dict[str, Any]) -> None:
    """Examples in docstrings write `np`, as every reader of NumPy's own does."""
    doctest_namespace["np"] = np
