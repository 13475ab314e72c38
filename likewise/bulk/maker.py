"""What a part was made by: vectors may differ in their last bits between kinds of processors."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

from likewise import __version__

_LIBRARIES = ("numpy", "faiss-cpu", "ai-edge-litert")


def maker() -> dict[str, str]:
    """The kind of processor, and the versions of what computes.

    Example:
        >>> sorted(maker())[:2]
        ['ai-edge-litert', 'faiss-cpu']
    """
    versions = {name: version(name) for name in _LIBRARIES}
    return {"processor": _processor(), "likewise": __version__, **versions}


def _processor() -> str:
    """The processor's own name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()
