"""References in parts on the nodes of a cluster: the same bits, and never an answer without one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import likewise
from embedder.data.sources import records
from index.errors import PartMissingError
from index.gallery import Gallery
from likewise.spread import actors
from likewise.spread.actors import spread_over
from tests.eventually import eventually
from tests.index.parts.test_spread import assert_same
from tests.likewise.server.conftest import image
from tests.ray.running import STORE, Serving, command

pytestmark = [pytest.mark.slow, pytest.mark.cluster]
REFERENCES = 6_000  # six blocks of 1,024 slots, so that four parts have some each


@pytest.fixture(scope="module")
def nodes(cluster) -> Iterator[Any]:
    """Three nodes beside the head."""
    added = [cluster.add_node(num_cpus=1, object_store_memory=STORE) for _ in range(2)]
    cluster.wait_for_nodes()
    yield cluster
    for node in added:
        if node in cluster.list_all_nodes():
            cluster.remove_node(node, allow_graceful=False)


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    """A gallery by the model that comes with likewise, with what makes merging hard."""
    path = Path(tmp_path_factory.mktemp("parts"), "digits.gallery")
    with likewise.build(path, islice(records("mnist/train"), REFERENCES)) as matcher:
        ids, _, vectors = matcher.gallery.references()
        equal = [f"equal/{place}" for place in range(30)]
        matcher.gallery.add(equal, np.repeat(vectors[:3], 10, axis=0), ["x", None, "y"] * 10)
        matcher.gallery.remove(ids[::17].tolist())
    return path


def holders(folder: Path, of: Any = None) -> list[int]:
    """Processes that hold parts, on one node or on all of the clusters whose files lie there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name, mine = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
        raylets = () if of is None else [each.process.pid for each in of.all_processes["raylet"]]
        if b"ray::Holder" in name and bytes(folder) in mine and (of is None or parent in raylets):
            found.append(int(process.name))
    return found


# ---------------------------------------------------------------- the same bits


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
def test_parts_answer_every_question_as_one_gallery_does(nodes, tmp_path, parts):
    rng = np.random.default_rng(parts)
    vectors = rng.normal(size=(5000, 16)).astype(np.float32)
    vectors[::9] = vectors[0]  # equal ones, in all parts
    labels = [None if row % 11 == 0 else f"{row % 40:02}" for row in range(5000)]
    queries = np.concatenate([vectors[:40], rng.normal(size=(40, 16)).astype(np.float32)])
    with Gallery.create(tmp_path / "g", dim=16, fingerprint="3f9a") as one:
        one.add([str(row) for row in range(5000)], vectors, labels)
        one.remove([str(row) for row in range(0, 5000, 13)])
        with Gallery.open(tmp_path / "g") as spread:
            told: list[str] = []
            spread_over(nodes.address, spread, parts, tell=told.append)
            assert "3 nodes; the references are in" in "".join(told)
            ids = [str(row) for row in range(5000) if row % 13]
            assert_same(one, spread, queries, ids[:400])
            # Adds and removals by another process.
            with Gallery.open(tmp_path / "g") as writer:
                writer.remove(["1", "4999"])
                writer.add(["2", "late"], queries[-2:], ["00", "new"])
            assert_same(one, spread, queries, ["2", "late", "3"])


def test_the_commands_write_the_same_bytes_with_and_without_parts(
    nodes, digits, ray_folder, scans, tmp_path
):
    def run(*words: object) -> tuple[str, str]:
        done = command(*words, folder=ray_folder)
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    spread = ("--ray", nodes.address, "--parts", 3)
    for words in (
        ("check", digits, scans),
        ("check", digits, scans, "--group", "x", "--threshold", 2, "-k", 30),
        ("check", digits, scans, "--min-margin", 0.1, "--format", "csv"),
        ("query", digits, scans, "-k", 40),
    ):
        alone, (together, told) = run(*words)[0], run(*words, *spread)
        assert together == alone, words
        assert told.startswith(f"Ray: joined the cluster at {nodes.address}, 3 nodes; the referen")
    made = {}
    for name, extra in (("alone", ()), ("together", spread)):
        folder = tmp_path / name
        run("backup", digits, folder / "g")
        printed = [
            run("calibrate", folder / "g", *asked, *extra)[0]
            for asked in (
                ("mnist/test", "--fpir", 0.01),
                ("mnist/test", "--fmr", 0.01, "--name", "pairs"),
                ("--fpir", 0.1, "--name", "own"),
            )
        ]
        data = ("mnist/test", "--allow-overlap", "--seeds", 1, "--out", folder / "report")
        run("evaluate", folder / "g", *data, *extra)
        files = {file.name: file.read_bytes() for file in (folder / "report").iterdir()}
        evidence = {file.name: file.read_bytes() for file in (folder / "g").glob("evidence-*")}
        made[name] = printed, files, evidence
    assert made["together"] == made["alone"]
    assert set(made["alone"][1]) == {"report.json", "report.html"}
    assert made["alone"][2]


def test_logs_name_no_picture_and_no_reference(nodes, digits, ray_folder, scans, tmp_path):
    scans.rename(tmp_path / "unnamed-scans")
    words = ("query", digits, tmp_path / "unnamed-scans", "--ray", nodes.address, "--parts", 2)
    assert command(*words, folder=ray_folder).returncode == 0
    logs = [path for path in ray_folder.rglob("*.log") if path.is_file()]
    assert any("worker" in path.name for path in logs)
    secret = (b"unnamed", b"mnist/train/0", b"equal/")
    assert not [path for path in logs if any(word in path.read_bytes() for word in secret)]


# ---------------------------------------------------------------- losses


def test_a_process_that_is_killed_is_loaded_again_before_anything_is_answered(
    nodes, digits, ray_folder
):
    with Gallery.open(digits) as one, Gallery.open(digits) as spread:
        spread_over(nodes.address, spread, 3)
        _, _, queries = one.references()
        expected = one.search(queries[:200], 5)
        for _ in range(3):
            found = spread.search(queries[:200], 5)
            assert found.ids.tolist() == expected.ids.tolist()
            assert found.distances.tobytes() == expected.distances.tobytes()
            for process in holders(ray_folder)[:2]:
                os.kill(process, signal.SIGKILL)
        assert spread.search(queries[:200], 5).ids.tolist() == expected.ids.tolist()


def test_a_part_for_which_no_node_has_room_ends_the_command_in_one_sentence(
    nodes, digits, monkeypatch
):
    monkeypatch.setattr(actors, "_NAMES", 1 << 30)  # each reference takes a gibibyte
    with Gallery.open(digits) as spread:
        spread_over(nodes.address, spread, 2, patience=0.5)
        queries = np.zeros((1, spread.dim), np.float32)
        with pytest.raises(PartMissingError, match=r"is missing for 0\.5 s, and nothing is answe"):
            spread.search(queries, 1)
        with pytest.raises(PartMissingError, match="no node has room for it"):
            spread.require_reachable()


def test_a_server_answers_503_while_a_node_is_lost_and_then_right_again(
    nodes, digits, ray_folder, queries
):
    lost = nodes.add_node(num_cpus=1, object_store_memory=STORE)
    nodes.wait_for_nodes()
    asked = [image(record) for record in queries[:4]]
    spread = ("--ray", nodes.address, "--parts", 4)
    with Serving(digits, *spread, folder=ray_folder) as server, server.client() as client:
        eventually(lambda: client.get("/readyz").status_code == 200, within=120)
        whole = [client.post("/v1/check", **each).content for each in asked]
        doomed = eventually(lambda: holders(ray_folder, lost), within=5)
        nodes.remove_node(lost, allow_graceful=False)  # SIGKILL to the processes of the node
        for process in doomed:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:  # it has followed its node
                continue
        seen = set()

        def statuses() -> set[int]:
            for each, expected in zip(asked, whole, strict=True):
                answer = client.post("/v1/check", **each)
                seen.add(answer.status_code)
                if answer.status_code == 200:
                    assert answer.content == expected, "never without its part"
                else:
                    assert answer.json()["code"] == "not_ready"
                    assert answer.json()["message"].startswith("A part of the references is mis")
            return seen

        eventually(statuses, until=lambda codes: 503 in codes, within=120, retry=())
        eventually(lambda: client.get("/readyz").status_code == 200, within=120)
        again = [client.post("/v1/check", **each) for each in asked]
        assert [answer.content for answer in again] == whole
        assert statuses() == {200, 503}
        # What another process adds is found, and what it removes is not.
        vector = np.full((1, 64), 9, np.float32)
        with Gallery.open(digits) as writer:
            writer.add(["far"], vector, ["far"])
        body = {"vectors": vector.tolist()}
        row = client.post("/v1/query", json=body).json()["rows"][0]
        assert row["neighbours"][0]["id"] == "far"
        with Gallery.open(digits) as writer:
            writer.remove(["far"])
        row = client.post("/v1/query", json=body).json()["rows"][0]
        assert row["neighbours"][0]["id"] != "far"
        refused = client.post("/v1/jobs/check", content=b"")
        assert "runs no jobs" in refused.json()["message"]
    assert server.status == 0
