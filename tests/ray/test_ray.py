"""Checks and embeddings as tasks of Ray, on clusters of this machine, nodes of which are killed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any

import pytest

from embedder.data.records import Record
from embedder.data.sources import records
from index.decision import CheckOptions
from likewise.bulk.job import Job
from likewise.bulk.ray import ClusterError, joined
from likewise.matcher import Matcher
from tests.eventually import eventually
from tests.ray.running import STORE, command

pytestmark = [pytest.mark.slow, pytest.mark.cluster]


def checked(gallery: Path, source: Path, output: Path, machines: Any = None) -> None:
    with Matcher.open(gallery) as matcher:
        stream = records(source)
        Job(matcher, stream, [str(source)], CheckOptions(), lambda n: None, machines).write(output)


class Through:
    """A cluster to whose nodes the work goes with something around it."""

    def __init__(self, cluster: Any, around: Callable[[Any], Any]) -> None:
        self.cluster, self.around = cluster, around

    def results(self, work: Any, stream: Iterable[Record]) -> Generator:
        return self.cluster.results(self.around(work), stream)


@pytest.fixture
def doomed(cluster):
    """A further node, to be killed with the process that works there."""
    node = cluster.add_node(num_cpus=1, object_store_memory=STORE)
    cluster.wait_for_nodes()
    yield node
    if node in cluster.list_all_nodes():
        cluster.remove_node(node, allow_graceful=False)
    cluster.wait_for_nodes(timeout=120)  # the head counts a killed node until it misses it


def kill_once_written(cluster: Any, node: Any, marker: Path) -> threading.Thread:
    """Kill a node, and the process whose number is in a file, as soon as the file is there."""

    def kill() -> None:
        worker = eventually(lambda: marker.read_text(), retry=FileNotFoundError)
        cluster.remove_node(node, allow_graceful=False)  # SIGKILL to the processes of the node
        try:
            os.kill(int(worker), signal.SIGKILL)
        except ProcessLookupError:  # it has followed its node
            return

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def write_whole(path: Path, text: str) -> None:
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").replace(path)


def test_a_node_that_is_killed_while_it_works_changes_no_byte(
    cluster, doomed, real, scans, tmp_path
):
    whole, output, marker = (tmp_path / name for name in ("whole.csv", "rows.csv", "started"))
    checked(real, scans, whole)  # 40 pictures, two of them unreadable
    node = doomed.node_id
    written = write_whole

    def around(work):
        def held(part):
            import ray

            if ray.get_runtime_context().get_node_id() == node:
                written(marker, str(os.getpid()))
                threading.Event().wait()  # until it is killed: what is sent here never returns
            return work(part)

        return held

    killing = kill_once_written(cluster, doomed, marker)
    with joined(cluster.address, 40, shards=10) as there:
        assert "2 nodes with 2 processors" in there.description
        checked(real, scans, output, Through(there, around))
    killing.join()
    assert output.read_bytes() == whole.read_bytes()


def test_what_a_killed_node_had_done_already_is_done_again(cluster, doomed, tmp_path):
    marker, dead = tmp_path / "second", tmp_path / "dead"
    node = doomed.node_id
    written = write_whole

    def around(work):
        def large(part):
            import time

            import ray

            if ray.get_runtime_context().get_node_id() == node:
                if (marker.parent / "first").exists():  # the first result is stored there
                    written(marker, str(os.getpid()))
                    threading.Event().wait()
                (marker.parent / "first").touch()
            else:
                while not dead.exists():  # so nothing is fetched before the node is dead
                    time.sleep(0.01)
            return part[0].id.encode() * 100_000  # more than travels with a message

        return large

    killing = kill_once_written(cluster, doomed, marker)

    def tell() -> None:
        killing.join()
        dead.touch()

    telling = threading.Thread(target=tell)
    telling.start()
    stream = [Record(f"{place:02}.png", None, Path("a.png")) for place in range(8)]
    with joined(cluster.address, 8, shards=8) as there:
        results = list(Through(there, around).results(None, stream))
    telling.join()
    assert results == [record.id.encode() * 100_000 for record in stream]


def test_a_process_that_always_ends_is_one_sentence_and_not_tried_for_ever(cluster, tmp_path):
    def around(work):
        def ending(part):
            with (tmp_path / "tries").open("a") as tries:
                tries.write("x")
            os._exit(1)

        return ending

    stream = [Record("a.png", None, Path("a.png"))]
    with (
        joined(cluster.address, 1) as there,
        pytest.raises(ClusterError, match=r"lost a shard \(WorkerCrashedError\)"),
    ):
        list(Through(there, around).results(None, stream))
    assert (tmp_path / "tries").read_text() == "x" * 5  # once, and four times again


def test_a_failure_on_a_node_is_one_sentence_with_its_name(cluster, real, scans, tmp_path):
    def around(work):
        def failing(part):
            raise OSError("the disk is gone")

        return failing

    with (
        joined(cluster.address, 40) as there,
        pytest.raises(Exception, match=r"^On .+: the disk is gone$"),
    ):
        checked(real, scans, tmp_path / "rows.csv", Through(there, around))


def test_the_command_joins_a_cluster_by_its_address(cluster, ray_folder, scans, tmp_path):
    embed = ("embed", scans, "-o")
    whole, output = tmp_path / "whole.npy", tmp_path / "vectors.npy"
    assert command(*embed, whole, folder=ray_folder).returncode == 0
    done = command(*embed, output, "--ray", cluster.address, "--shards", 7, folder=ray_folder)
    assert done.returncode == 0, done.stderr
    first, *_, last = done.stderr.splitlines()
    assert first == f"Ray: joined the cluster at {cluster.address}, 1 node with 1 processor."
    assert last == f"Wrote 40 rows of 64 numbers to {output}."
    assert output.read_bytes() == whole.read_bytes()


def test_auto_joins_the_cluster_that_was_started_on_this_machine(
    cluster, ray_folder, scans, tmp_path
):
    (ray_folder / "ray" / "ray_current_cluster").write_text(cluster.address)  # as `ray start` does
    embed = ("embed", scans, "-o", tmp_path / "vectors.npy", "--ray", "auto")
    done = command(*embed, folder=ray_folder)
    assert done.stderr.startswith(f"Ray: joined the cluster at {cluster.address}, "), done.stderr
    assert done.returncode == 0, done.stderr
