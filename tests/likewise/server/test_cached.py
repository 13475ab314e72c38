"""A value that is computed in the background."""

from __future__ import annotations

import traceback

import pytest

from likewise.server.cached import Cached
from likewise.server.errors import ApiError


def failing() -> int:
    raise LookupError("nothing is there")


def test_the_value_of_an_earlier_state_ends_with_a_state_that_has_none():
    references = [1]

    def counted() -> int:
        if not references:
            raise ApiError("empty_gallery", "There are no references.")
        return len(references)

    cached = Cached(counted, lambda: tuple(references))
    cached.wait()
    assert cached.get() == 1
    references.clear()
    cached._not_before = 0.0  # so that it need not be waited for
    assert cached.get() == 1  # outdated, while the new one is computed
    cached.wait()
    with pytest.raises(ApiError, match="There are no references"):
        cached.get()


def test_an_error_that_many_ask_for_does_not_grow():
    cached = Cached(failing, lambda: "one state")
    cached.wait()
    depths = []
    for _ in range(5):
        with pytest.raises(LookupError, match="nothing is there") as caught:
            cached.get()
        depths.append(len(traceback.extract_tb(caught.value.__traceback__)))
    assert len(set(depths)) == 1
