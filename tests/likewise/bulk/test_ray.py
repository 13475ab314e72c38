"""What is asked of Ray, by a stand-in for it: `tests/ray` asks the real one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from embedder.data.records import Record
from likewise.bulk.elsewhere import ElsewhereError
from likewise.bulk.ray import ClusterError, joined


class LostError(Exception):
    """As `ray.exceptions.RayError`."""


class Ray:
    """A stand-in: a task is done when it is asked for, and says how many were under way."""

    exceptions = SimpleNamespace(RayError=LostError)

    def __init__(self, *processors: int) -> None:
        self.processors = processors
        self.running = True  # whether there is a cluster on this machine
        self.sent: list[int] = []
        self.most_under_way = self.under_way = 0
        self.loses = self.hangs = self.left = False
        self.options: dict[str, Any] = {}

    def init(self, address: str, **options: Any) -> SimpleNamespace:
        assert options["log_to_driver"] is False
        if address == "local":
            self.running = True
        if address == "broken:1" or not self.running:
            raise ConnectionError("Could not find any running Ray instance.\nAnd much more.")
        return SimpleNamespace(address_info={"gcs_address": "10.0.0.5:6379"})

    def nodes(self) -> list[dict[str, Any]]:
        head = {"Alive": True, "Resources": {"memory": 1e9}}
        workers = [{"Alive": True, "Resources": {"CPU": float(n)}} for n in self.processors]
        return [head, *workers, {"Alive": False, "Resources": {}}]

    def put(self, value: Any) -> Any:
        return value

    def remote(self, **options: Any) -> Any:
        self.options = options

        def decorated(function: Any) -> SimpleNamespace:
            def send(work: Any, part: list[Record]) -> Any:
                self.sent.append(len(part))
                self.under_way += 1
                self.most_under_way = max(self.most_under_way, self.under_way)
                return lambda: function(work, part)

            return SimpleNamespace(remote=send)

        return decorated

    def wait(self, references: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        if self.hangs:
            self.processors = ()
            return [], references
        return references, []

    def get(self, reference: Any) -> Any:
        self.under_way -= 1
        if self.loses:
            raise LostError("with a long trace")
        return reference()

    def shutdown(self) -> None:
        self.left = True


@pytest.fixture
def nobody_asked(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


@pytest.fixture
def ray(monkeypatch, nobody_asked) -> Ray:
    library = Ray(8, 6)
    monkeypatch.setitem(sys.modules, "ray", library)
    return library


def named(total: int) -> Iterator[Record]:
    return (Record(f"{place}.png", None, Path("a.png")) for place in range(total))


def ids(part: list[Record]) -> list[str]:
    return [record.id for record in part]


def test_results_come_in_the_order_of_the_input_with_few_shards_under_way(ray):
    with joined("auto", 1000, shards=100) as cluster:
        assert cluster.at_once == 3  # of four processors each: two of 8, one of 6
        results = list(cluster.results(ids, named(1000)))
    assert [id for part in results for id in part] == [record.id for record in named(1000)]
    assert ray.sent == [10] * 100
    assert ray.most_under_way == 2 * 3 + 1
    assert ray.left


def test_a_task_has_a_name_that_says_nothing_and_is_sent_again_when_it_was_lost(ray):
    with joined("auto", 10):
        assert ray.options == {"num_cpus": 4, "max_retries": 4, "name": "likewise"}


@pytest.mark.parametrize(
    ("total", "shards", "size"),
    [
        (1200, None, 100),  # four shards for each of three tasks at a time
        (1_000_000, None, 4096),
        (100, None, 64),
        (None, None, 1024),
        (1001, 10, 101),
        (3, 10, 1),
    ],
)
def test_a_shard_is_as_large_as_keeps_all_busy(ray, total, shards, size):
    with joined("auto", total, shards) as cluster:
        assert cluster.size == size


def test_it_says_whether_it_joined_a_cluster_or_started_one(ray):
    with joined("auto", 1) as cluster:
        assert cluster.description == (
            "Ray: joined the cluster at 10.0.0.5:6379, 2 nodes with 14 processors."
        )
    ray.running = False
    with joined("auto", 1) as cluster:
        assert cluster.description.startswith("Ray: no cluster runs on this machine, so one was")


def test_a_cluster_that_cannot_be_joined_is_one_sentence(ray, monkeypatch):
    monkeypatch.setattr("likewise.bulk.ray._require_reachable", lambda address: None)
    with pytest.raises(ClusterError) as seen, joined("broken:1", 1):
        pass
    assert str(seen.value) == (
        "The Ray cluster at broken:1 cannot be joined: Could not find any running Ray instance."
    )
    assert ray.left


def test_a_failure_of_the_work_is_one_sentence_with_the_machine(ray):
    def failing(part):
        raise OSError("the disk is gone")

    with joined("auto", 1) as cluster, pytest.raises(ElsewhereError, match=r"^On .+: the disk is"):
        list(cluster.results(failing, named(1)))


def test_a_shard_that_is_lost_too_often_is_one_sentence(ray):
    ray.loses = True
    with (
        joined("auto", 1) as cluster,
        pytest.raises(ClusterError, match=r"lost a shard \(LostError\), .* sent again 4 times"),
    ):
        list(cluster.results(ids, named(1)))


def test_where_all_nodes_are_lost_nobody_waits_for_ever(ray):
    ray.hangs = True
    with (
        joined("auto", 1) as cluster,
        pytest.raises(ClusterError, match="No node of the cluster has 4 processors any more"),
    ):
        list(cluster.results(ids, named(1)))


def test_each_kind_of_processor_is_named_once(ray):
    with joined("auto", 4, shards=4) as cluster:
        list(cluster.results(ids, named(4)))
        assert len(cluster.makers) == 1
