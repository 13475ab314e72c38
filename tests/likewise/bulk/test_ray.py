"""What is asked of Ray, by a stand-in for it: `tests/ray` asks the real one."""

from __future__ import annotations

import socket
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
        self.sent: list[int] = []
        self.most_under_way = self.under_way = 0
        self.refuses = self.loses = self.hangs = self.left = False
        self.options: dict[str, Any] = {}

    def init(self, address: str | None, **options: Any) -> SimpleNamespace:
        assert options["log_to_driver"] is False
        if self.refuses:
            raise ConnectionError("It is another version.\nAnd much more.")
        return SimpleNamespace(address_info={"gcs_address": address or "recorded:1"})

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
def ray(monkeypatch, tmp_path) -> Ray:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))  # where `ray start` would have left a note
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


@pytest.fixture
def answering() -> Iterator[str]:
    """The address of something that answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def recorded(tmp_path: Path, address: str) -> None:
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text(address)


def description(address: str) -> str:
    with joined(address, 1) as cluster:
        return cluster.description


STARTED = "Ray: no cluster runs on this machine, so one was started until the end, "


def test_it_joins_the_cluster_that_is_named(ray, answering, monkeypatch):
    assert description(answering) == (
        f"Ray: joined the cluster at {answering}, 2 nodes with 14 processors."
    )
    monkeypatch.setenv("RAY_ADDRESS", answering)
    assert description("auto").startswith(f"Ray: joined the cluster at {answering}, ")


def test_auto_joins_the_cluster_that_was_started_here_while_it_answers(ray, tmp_path, answering):
    assert description("auto") == STARTED + "2 nodes with 14 processors."
    recorded(tmp_path, answering)
    assert description("auto").startswith("Ray: joined the cluster at recorded:1, ")


def test_auto_starts_one_where_that_cluster_has_ended(ray, tmp_path):
    with socket.socket() as unheard:  # bound, but it does not listen
        unheard.bind(("127.0.0.1", 0))
        recorded(tmp_path, f"127.0.0.1:{unheard.getsockname()[1]}")
        assert description("auto").startswith(STARTED)


def test_a_cluster_that_cannot_be_joined_is_one_sentence(ray, answering):
    ray.refuses = True
    with pytest.raises(ClusterError) as seen, joined(answering, 1):
        pass
    assert str(seen.value) == (
        f"The Ray cluster at {answering} cannot be joined: It is another version. If it asks for a "
        "token, set RAY_AUTH_MODE=token."
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
