"""Run child processes as a user would, and measure their processor time and peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from likewise.errors import LikewiseError

# The kernel counts what the parent held before exec as the child's peak: so the parent is a
# small process of its own, which then reports.
_LAUNCHER = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
if status:
    sys.exit(os.waitstatus_to_exitcode(status))
print(used.ru_maxrss, used.ru_utime + used.ru_stime, file=sys.stderr)
"""

# A user's Python keeps its compiled modules; what else would slow down only ours, not the floor.
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
}


def likewise(*arguments: str | Path) -> list[str]:
    """The command line of the installed command."""
    command = Path(sysconfig.get_path("scripts")) / "likewise"
    return [str(command), *map(str, arguments)]


def python(code: str) -> list[str]:
    """The command line that runs a line of code in the same Python."""
    return [sys.executable, "-c", code]


def run(command: Sequence[str]) -> str:
    """Run to the end and return the output.

    Raises:
        LikewiseError: If it fails.
    """
    return _done(command).stdout


@dataclass(frozen=True, slots=True)
class Used:
    """What a process used.

    Attributes:
        seconds: Processor time.
        mib: Peak memory.
        output: What it wrote to stdout.
    """

    seconds: float
    mib: float
    output: str


def peak_mib(command: Sequence[str]) -> float:
    """Run to the end and return the peak memory, in MiB; errors are those of `run`."""
    return used(command).mib


def used(command: Sequence[str]) -> Used:
    """Run to the end and measure; errors are those of `run`."""
    done = _done([sys.executable, "-S", "-E", "-c", _LAUNCHER, *command])
    kib, seconds = done.stderr.split()[-2:]
    return Used(float(seconds), int(kib) / 1024, done.stdout)


def _done(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode:
        raise LikewiseError(
            f"A process ended with status {done.returncode}. It said: {done.stderr.strip()}"
        )
    return done
