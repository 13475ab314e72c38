"""The helper that waits: it returns the awaited value, or fails with the last one."""

from __future__ import annotations

from itertools import count

import pytest

from tests.eventually import eventually


def test_the_first_true_value_is_returned():
    assert eventually(iter([0, "", "here"]).__next__) == "here"


def test_a_value_is_awaited_until_it_satisfies_a_condition():
    numbers = count()
    assert eventually(lambda: next(numbers), until=lambda number: number == 3) == 3


def test_a_failed_assertion_means_not_yet():
    numbers = count()

    def check() -> bool:
        assert next(numbers) == 2
        return True

    assert eventually(check)


def test_time_running_out_fails_with_the_last_value():
    with pytest.raises(AssertionError, match=r"not within 0\.02 s: the last call returned 503"):
        eventually(lambda: 503, until=lambda status: status == 200, within=0.02)


def test_time_running_out_fails_with_the_last_error_as_its_cause():
    def check() -> bool:
        raise ConnectionError("refused")

    with pytest.raises(AssertionError, match=r"raised ConnectionError\('refused'\)") as failure:
        eventually(check, within=0.02, retry=ConnectionError)
    assert isinstance(failure.value.__cause__, ConnectionError)


def test_an_error_that_is_not_expected_is_raised_at_once():
    with pytest.raises(ZeroDivisionError):
        eventually(lambda: 1 / 0)


def test_the_condition_is_checked_once_more_after_the_time_is_up():
    """A process that slept through its whole time still sees that the condition holds."""
    assert eventually(lambda: True, within=0)
