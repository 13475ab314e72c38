"""A value that is computed in the background."""

from __future__ import annotations

import traceback

import pytest

from likewise.server.cached import Cached


def failing() -> int:
    raise LookupError("nothing is there")


def test_an_error_that_many_ask_for_does_not_grow():
    cached = Cached(failing, lambda: "one state")
    cached.wait()
    depths = []
    for _ in range(5):
        with pytest.raises(LookupError, match="nothing is there") as caught:
            cached.get()
        depths.append(len(traceback.extract_tb(caught.value.__traceback__)))
    assert len(set(depths)) == 1
