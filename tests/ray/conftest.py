"""A real gallery, and a cluster of several nodes on this machine."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedder.model import Embedder
from likewise.matcher import Matcher
from tests.ray.running import STORE


@pytest.fixture(scope="session")
def real(tmp_path_factory, references) -> Path:
    """A gallery by the model that comes with likewise, which other processes can open."""
    path = tmp_path_factory.mktemp("real") / "digits.gallery"
    with Matcher.create(path, Embedder.load()) as matcher:
        matcher.add(references)
    return Path(path)


@pytest.fixture(scope="module")
def ray_folder() -> Iterator[Path]:
    """Where Ray of these tests keeps logs and sockets; the path of a socket must be short."""
    folder = Path(tempfile.mkdtemp(prefix="lw-ray-", dir="/tmp"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", str(folder))
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster(ray_folder) -> Iterator[Any]:
    """A head that does no work, and one node that does; tests add the nodes that they kill."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args=head)
    made.add_node(num_cpus=1, object_store_memory=STORE)
    made.wait_for_nodes()
    yield made
    made.shutdown()
