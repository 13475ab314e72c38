"""Galleries that a cluster builds, on clusters of this machine, nodes of which are killed."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from index.gallery import Gallery
from tests.ray.running import command

pytestmark = [pytest.mark.slow, pytest.mark.cluster]


@pytest.fixture
def listed(scans, tmp_path) -> Path:
    """A list of 40 pictures with labels and a further column; two cannot be read, one is twice."""
    lines = [
        {"path": str(path), "label": str(place % 5), "shelf": place // 7}
        for place, path in enumerate(sorted(scans.iterdir()))
    ]
    lines.append({**lines[0], "label": "again"})
    path = tmp_path / "list.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, lines[0])
        writer.writeheader()
        writer.writerows(lines)
    return path


def everything(path: Path) -> list[tuple]:
    """Each reference of a gallery with all that it has, by slot."""
    with Gallery.open(path) as gallery:
        gallery.verify()
        rows = [reference for batch in gallery.batches(64) for reference in batch]
        return [
            (
                r.id,
                r.label,
                r.metadata,
                r.content,
                r.vector.tobytes(),
                np.asarray(r.picture).tobytes(),
            )
            for r in rows
        ]


def test_a_cluster_builds_the_gallery_of_one_run(cluster, ray_folder, listed, tmp_path):
    options = (listed, "--model", "digits", "--on-conflict", "rename")
    one, many = tmp_path / "one.gallery", tmp_path / "many.gallery"
    whole = command("build", one, *options, folder=ray_folder)
    assert whole.returncode == 0, whole.stderr
    done = command(
        "build", many, *options, "--ray", cluster.address, "--shards", 7, folder=ray_folder
    )
    assert done.returncode == 0, done.stderr
    first, *said = done.stderr.splitlines()
    assert first == f"Ray: joined the cluster at {cluster.address}, 1 node with 1 processor."
    assert said == [line.replace(str(one), str(many)) for line in whole.stderr.splitlines()]
    assert everything(many) == everything(one)
    assert len(everything(many)) == 39  # 40 without two, and one under another name


def test_pictures_of_one_id_leave_nothing(cluster, ray_folder, listed, tmp_path):
    words = ("build", tmp_path / "g", listed, "--model", "digits", "--ray", cluster.address)
    done = command(*words, folder=ray_folder)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: 1 picture has the id of another picture")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["list.csv", "scans"]


def test_a_gallery_in_a_database_is_built_in_a_directory_first(ray_folder, scans):
    words = ("build", "postgresql://nowhere/db#shoes", scans, "--label", "x", "--ray", "auto")
    done = command(*words, folder=ray_folder)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: Many machines build a directory.")
