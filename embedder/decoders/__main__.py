"""The decoder process: `python -P -m embedder.decoders SECONDS BYTES POLITE`.

Reads tasks from stdin and writes results to stdout, one after the other, until stdin ends.
"""

from __future__ import annotations

import io
import sys
from typing import Any

import cv2
import numpy as np

from embedder.data.boxes import Box
from embedder.data.content import content_hash
from embedder.data.images import NO_MEMORY, decode
from embedder.decoders.loop import answer_all
from embedder.decoders.task import as_task
from embedder.errors import ImageError
from embedder.preprocessing.prepare import prepare
from likewise.arrays import Pixels


def _answered(note: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    """Do a task: the note and the bytes of its answer."""
    task = as_task(note["task"])
    try:
        pixels = _pixels(note, body, task.max_pixels)
        if task.box is not None:
            pixels = Box(*task.box).cut(pixels)
        content = content_hash(pixels) if task.hashed else b""
        if task.preprocessing is not None:
            pixels = prepare([pixels], task.preprocessing, task.shape)[0]
        return {"shape": pixels.shape, "content": content.hex()}, pixels.tobytes()
    except ImageError as error:
        return {"error": type(error).__name__, "reason": str(error)}, b""
    except MemoryError:
        return {"error": "ImageError", "reason": NO_MEMORY}, b""


def _pixels(note: dict[str, Any], body: bytes, max_pixels: int) -> Pixels:
    """The picture of a task: pixels already, a file on the disk, or the bytes of one."""
    if "pixels" in note:
        return np.frombuffer(body, np.uint8).reshape(note["pixels"])
    if "path" not in note:
        return decode(io.BytesIO(body), max_pixels)
    try:
        with open(note["path"], "rb") as file:
            return decode(file, max_pixels)
    except OSError as error:  # it was there a moment ago
        raise ImageError(f"cannot be opened ({error.strerror})") from error


if __name__ == "__main__":
    cv2.setNumThreads(1)  # one picture at a time; OpenCV itself is loaded before memory is limited
    answer_all(_answered, float(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1")
