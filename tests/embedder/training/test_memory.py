"""Memory that a training step frees stays with the process."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

TRIM_THRESHOLD = -1  # mallopt(3); TensorFlow sets it to 128 KiB

# Takes and frees 4 MiB a hundred times, and prints how many pages had to be brought in for it.
TAKE_AND_FREE = f"""
import ctypes, resource
from embedder.training.memory import keep_freed_memory
{{}}
ctypes.CDLL(None).mallopt({TRIM_THRESHOLD}, 128 << 10)
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
before = faults()
for _ in range(100):
    bytearray(b"1") * (4 << 20)
print(faults() - before)
"""


def pages_brought_in(beforehand: str) -> int:
    code = TAKE_AND_FREE.format(beforehand)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="glibc's malloc")
def test_what_a_step_freed_is_there_for_the_next_one_after_tensorflow_lowered_the_threshold():
    pages = (4 << 20) // 4096
    assert pages_brought_in("") > 50 * pages
    assert pages_brought_in("keep_freed_memory()") < 5 * pages
