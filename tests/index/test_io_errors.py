"""A disk that fails: each write and each sync in turn, once or from then on."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from index.gallery import Gallery
from tests.disk.watched import built, run

# Tries every kind of change, and reports what went through and what was refused, and how.
CHANGER = """
import json, sys
from pathlib import Path
import numpy as np
from index.backup import back_up
from index.errors import GalleryError
from index.gallery import Gallery
from index.operating_point import OperatingPoint

root, rng = Path(sys.argv[1]), np.random.default_rng(1)

def tried(name, change):
    try:
        change()
    except (GalleryError, OSError) as error:
        print(json.dumps({"refused": name, "error": str(error)}), flush=True)
    else:
        print(json.dumps({"done": name}), flush=True)

def added(gallery, label):
    pictures = rng.integers(0, 255, size=(5, 28, 28), dtype=np.uint8)
    vectors = rng.normal(size=(5, 4)).astype("f4")
    gallery.add([f"{label}{i}" for i in range(5)], vectors, [label] * 5, pictures=pictures)

gallery = Gallery.open(root / "gallery")
tried("one", lambda: added(gallery, "one"))
tried("two", lambda: added(gallery, "two"))
tried("removal", lambda: gallery.remove(["first0"]))
unknown = rng.random(9, dtype="f4")
point = OperatingPoint(threshold=1.0)
tried("point", lambda: gallery.points.store("point", point, unknown=unknown))
tried("checkpoint", lambda: gallery._store._settle())
tried("three", lambda: added(gallery, "three"))
tried("close", gallery.close)
tried("copy", lambda: back_up(root / "gallery", root / "copy"))
"""


def prepared(root: Path) -> None:
    root.mkdir()
    with Gallery.create(root / "gallery", dim=4, fingerprint="a") as gallery:
        vectors = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
        gallery.add([f"first{i}" for i in range(5)], vectors, ["first"] * 5)


def holds(root: Path, changer: subprocess.CompletedProcess[str]) -> list[str]:
    """Refuse a disk that lacks what went through, or has a change by halves; what was refused."""
    assert changer.returncode == 0, changer.stderr  # else something else than a refusal ended it
    reports = [json.loads(line) for line in changer.stdout.splitlines()]
    done = {report["done"] for report in reports if "done" in report}
    refused = {report["refused"]: report["error"] for report in reports if "refused" in report}
    assert all(str(root) in error for error in refused.values()), refused  # a file is named
    with Gallery.open(root / "gallery") as gallery:
        gallery.verify()
        groups = gallery.labels
        assert all(groups[name] == 5 for name in {"one", "two", "three"} & done)
        assert all(groups[name] in (4, 5) for name in groups)
        assert ("first0" not in gallery) or "removal" in refused
        assert "point" in gallery.points.all() or "point" in refused
        gallery.add(["after"], np.zeros((1, 4), np.float32), ["after"])
        gallery.verify()
    if "copy" in done or (root / "copy").exists():  # it may be there, but not yet durably
        with Gallery.open(root / "copy") as copy:
            copy.verify()
    return list(refused)


@pytest.mark.parametrize(
    "stride",
    [pytest.param(10, marks=pytest.mark.slow), pytest.param(1, marks=pytest.mark.soak)],
)
@pytest.mark.parametrize("count", [1, 1_000_000], ids=["once", "from then on"])
@pytest.mark.timeout(3600)
def test_a_write_or_sync_that_fails_is_reported_and_nothing_acknowledged_is_lost(
    tmp_path: Path, stride: int, count: int
) -> None:
    library, root = built(tmp_path), tmp_path / "root"
    prepared(root)
    shutil.copytree(root, tmp_path / "prepared")
    runs, first, refusals = 0, 0, set()
    while True:
        changer = run(library, root, "-c", CHANGER, str(root), fail=f"{first} {count}")
        refused = holds(root, changer)
        refusals.update(refused)
        runs, last = runs + 1, first
        shutil.rmtree(root)
        shutil.copytree(tmp_path / "prepared", root)
        first += stride
        if not refused and last > 100:  # beyond the last write of all
            break
    print(f"{runs} runs, failing from write 0 to {last}")
    assert len(refusals) >= 3  # failures did fall within several kinds of change
