"""What every test and every docstring's example shares."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is first imported
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as embedder.training does
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # results must not depend on a graphics card

# A shared machine is slow now and then: a deadline would make the clock a source of failures.
settings.register_profile("likewise", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("likewise")

collect_ignore = ["tests/data"]  # files, and what made them, with libraries that are not asked for

# What one process of pytest-xdist runs alone: a browser is heavy, TensorFlow takes seconds and half
# a gigabyte to import; a release, an image, a database and a Ray cluster are then made only once.
GROUPS = {
    "tests/postgres/": "postgres",
    "tests/index/references/test_contract.py": "postgres",
    "tests/embedder/data/test_cloud.py": "cloud",
    "tests/likewise/commands/test_cloud_storage.py": "cloud",
    "tests/ray/": "ray",
    "tests/test_packaging.py": "packaging",
    "tests/test_deploy.py": "image",
    "tests/likewise/server/page/": "browser",
    "tests/likewise/report/test_report_in_browser.py": "browser",
    "tests/embedder/training/": "tensorflow",
    "tests/embedder/importing/": "tensorflow",
    "tests/likewise/test_imported_journey.py": "tensorflow",
    "tests/likewise/commands/test_import.py": "tensorflow",
    "embedder/training/": "tensorflow",
    "embedder/importing/": "tensorflow",
    "likewise/training.py": "tensorflow",
}

# Examples that are slow tests; a docstring cannot carry the mark itself.
SLOW_EXAMPLES = ("likewise/training.py::likewise.training.train",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow examples."""
    for item in items:
        if item.nodeid in SLOW_EXAMPLES:
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Spread the tests one by one, but each group as one.

    Not by xdist's own `--dist loadgroup`: with pytest 9.2 it groups nothing, and says nothing
    (https://github.com/pytest-dev/pytest-xdist/issues/1386).
    """
    from xdist.scheduler import LoadScopeScheduling

    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = group_of
    return scheduler


def group_of(nodeid: str) -> str:
    """The name of a test's group; a test of none is a group of its own."""
    return next((group for path, group in GROUPS.items() if nodeid.startswith(path)), nodeid)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)


@pytest.fixture(autouse=True)
def _numpy_in_examples(doctest_namespace: dict[str, Any]) -> None:
    """Examples in docstrings write `np`, as every reader of NumPy's own does."""
    doctest_namespace["np"] = np
