"""The script that made `gallery_v1`. Do not run it again: it shows that old galleries open."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from index.gallery import Gallery
from index.operating_point import OperatingPoint

POINTS = {"eer": OperatingPoint(threshold=0.75, fmr=0.01, fnmr=0.01)}


def make(path: Path) -> None:
    """Write a gallery of five references that has seen a replacement and a removal."""
    pictures = np.zeros((5, 4, 4), np.uint8)
    pictures[np.arange(5), np.arange(5) % 4, :] = 200
    pictures[4] = np.arange(16, dtype=np.uint8).reshape(4, 4) + 100  # no background: deflated
    vectors = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [3, 4]], np.float32)
    with tempfile.TemporaryDirectory() as model:
        Path(model, "model.json").write_text("{}\n")
        gallery = Gallery.create(
            path, dim=2, fingerprint="3f9a1c", operating_points=POINTS, model=Path(model)
        )
    with gallery:
        ids, labels = ["a", "b", "c", "d", "gone"], ["zero", "one", "one", "zwei", "one"]
        gallery.add(ids, vectors, labels)
        gallery.add(
            ["d", "é"],
            vectors[3:],
            ["two", "two"],
            metadata=[{"place": 3}, None],
            pictures=pictures[3:],
            contents=[b"3" * 16, b"4" * 16],
        )
        gallery.remove(["gone"])


if __name__ == "__main__":
    make(Path(sys.argv[1]))
