"""A power cut after any sync: acknowledged changes are there, and no half-written ones."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from index.gallery import Gallery
from tests.disk.power_cut import Disk, File
from tests.disk.watched import built, run

# Changes a gallery in every way there is, and writes what is acknowledged to `acks`.
CHANGER = """
import json, os, sys
from pathlib import Path
import numpy as np
from index.backup import back_up
from index.gallery import Gallery
from index.operating_point import OperatingPoint

root, rng = Path(sys.argv[1]), np.random.default_rng(int(sys.argv[2]))
acks = os.open(root / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
path = root / "gallery"

def acknowledge(gallery, **more):
    known = {"generation": gallery.generation, "groups": gallery.labels, **more}
    os.write(acks, (json.dumps(known) + "\\n").encode())

gallery = Gallery.create(path, dim=4, fingerprint="a")
acknowledge(gallery)
for step in range(int(sys.argv[3])):
    ids = [f"{id}" for id in rng.choice(40, size=6, replace=False)]
    pictures = rng.integers(0, 255, size=(6, 28, 28), dtype=np.uint8)
    gallery.add(ids, rng.normal(size=(6, 4)).astype("f4"), [f"s{step}"] * 6, pictures=pictures)
    acknowledge(gallery)
    if step % 3 == 1:
        gallery.remove(ids[:2])
        acknowledge(gallery)
    if step % 4 == 2:
        gallery._store._settle()
    if step % 5 == 3:
        unknown = rng.random(9, dtype="f4")
        gallery.points.store(f"p{step}", OperatingPoint(threshold=1.0), unknown=unknown)
        acknowledge(gallery, point=f"p{step}")
    if step % 5 == 4:
        gallery.close()
        back_up(path, root / f"copy{step}")
        gallery = Gallery.open(path)
        acknowledge(gallery, copy=f"copy{step}")
gallery.close()
"""


@dataclass
class Acknowledged:
    """What the changer was told to be done."""

    groups: dict[int, dict[str, int]]
    points: list[str]
    copies: list[str]

    @classmethod
    def of(cls, lines: bytes) -> Acknowledged:
        known = [json.loads(line) for line in lines.splitlines()]
        return cls(
            {each["generation"]: each["groups"] for each in known},
            [each["point"] for each in known if "point" in each],
            [each["copy"] for each in known if "copy" in each],
        )


def holds(root: Path, known: Acknowledged, whole: Acknowledged) -> None:
    """Whether the disk holds what was acknowledged; the change under way wholly or not at all."""
    if not known.groups:
        return  # not even the gallery was acknowledged
    newest = max(known.groups)
    with Gallery.open(root / "gallery") as gallery:
        gallery.verify()
        assert newest <= gallery.generation <= newest + 1
        assert gallery.labels == whole.groups[gallery.generation]
        assert set(known.points) <= set(gallery.points.all()) <= set(whole.points)
        gallery.add(["after"], np.zeros((1, 4), np.float32), ["after"])
        assert gallery.search(np.zeros((1, 4), np.float32), 1).ids.tolist() == [["after"]]
    for copy in (path for path in root.iterdir() if path.name.startswith("copy")):
        with Gallery.open(copy) as gallery:
            gallery.verify()
    assert {root / name for name in known.copies} <= set(root.iterdir())


@pytest.mark.parametrize(
    ("steps", "seeds"),
    [
        pytest.param(6, 1, marks=pytest.mark.slow),
        pytest.param(20, 4, marks=pytest.mark.soak),
    ],
)
@pytest.mark.timeout(3600)
def test_nothing_acknowledged_is_lost_when_the_power_is_cut_after_any_sync(
    tmp_path: Path, steps: int, seeds: int
) -> None:
    library = built(tmp_path)
    cuts = 0
    for seed in range(seeds):
        root, log = tmp_path / f"root{seed}", tmp_path / f"log{seed}"
        root.mkdir()
        changer = run(library, root, "-c", CHANGER, str(root), str(seed), str(steps), log=log)
        assert changer.returncode == 0, changer.stderr
        whole = Acknowledged.of((root / "acks").read_bytes())
        assert len(whole.groups) > steps
        disk, rng = Disk(root), np.random.default_rng(seed)
        for _ in disk.play(log):
            acks = disk.top.names.get("acks", File())
            assert isinstance(acks, File)
            known = Acknowledged.of(acks.content(lambda: True))
            for chosen, all in ((None, False), (None, True), (rng, False), (rng, False)):
                disk.write(tmp_path / "after", chosen, all=all)
                holds(tmp_path / "after", known, whole)
                shutil.rmtree(tmp_path / "after")
                cuts += 1
    print(f"{cuts} disks after {cuts // 4} cuts")
    assert cuts // 4 > 5 * steps * seeds  # a step is a commit or more, of some syncs each
