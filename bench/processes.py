"""Processor time of this process and all that descend from it, from Linux's /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def processor_seconds() -> float:
    """Seconds so far of this process and its living descendants, and of the children that ended."""
    stats = {pid: stat for pid, stat in _stats()}
    family = {os.getpid()}
    grown = True
    while grown:
        more = {pid for pid, stat in stats.items() if int(stat[1]) in family} - family
        family |= more
        grown = bool(more)
    ticks = sum(int(value) for pid in family for value in stats[pid][11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def _stats() -> Iterator[tuple[int, list[str]]]:
    """Fields of each process's state, from its third on."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text(errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        yield int(path.parent.name), text.rpartition(")")[2].split()
