"""`likewise query` of one picture as a new process, beside one that only imports the libraries."""

from __future__ import annotations

from collections.abc import Iterator

from bench.child import likewise, python, run
from bench.material import Material
from bench.measure import Figure, compare, figure

IMPORTS = "import numpy, faiss, ai_edge_litert.interpreter, click"
QUERY = """
import sys
from cli import main
main(sys.argv[1:], standalone_mode=False)
print("tensorflow" in sys.modules)
"""


def figures(material: Material) -> Iterator[Figure]:
    """Seconds; every file is in the page cache in both."""
    question = ("query", material.gallery, material.pngs[0])
    ours, floor = likewise(*question), python(IMPORTS)
    times, floors = compare(lambda: run(ours), lambda: run(floor), 15)
    loaded = run([*python(QUERY), *map(str, question)]).split()[-1]
    note = f"floor: python -c '{IMPORTS}'; TensorFlow imported by ours: {loaded}"
    yield figure("query one picture, cold process", "s", times, floors, "<= 1.50", note)
