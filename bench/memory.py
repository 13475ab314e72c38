"""Peak memory of a query, and of checks over 10,000 and over 100,000 pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from bench.child import likewise, peak_mib, python
from bench.cold import IMPORTS
from bench.material import Material
from bench.measure import Figure, figure


def figures(material: Material) -> Iterator[Figure]:
    """MiB, the whole process with all libraries."""
    ours = peak_mib(likewise("query", material.gallery, material.pngs[0]))
    bare = peak_mib(python(IMPORTS))
    note = "floor: a process that only imports the libraries"
    yield figure("peak memory of query", "MiB", [ours], [bare], None, note)
    small, large = (check_peak(material, times) for times in (1, 10))
    note = "floor: the same over 10,000"
    yield figure(
        "peak memory of check over 100,000 files", "MiB", [large], [small], "<= 1.10", note
    )


def check_peak(material: Material, times: int) -> float:
    """MiB of a check over the 10,000 files, listed `times` times."""
    source = write_list(material, times)
    rows = source.with_suffix(".rows.jsonl")
    return peak_mib(likewise("check", material.gallery, source, "-o", rows))


def write_list(material: Material, times: int) -> Path:
    """Write a list of files, each under several ids."""
    path = material.folder / f"{times}.jsonl"
    with path.open("w") as file:
        for turn in range(times):
            for png in material.pngs:
                row = {"path": str(png), "id": f"{turn}/{png.name}", "label": ""}
                file.write(json.dumps(row) + "\n")
    return path
