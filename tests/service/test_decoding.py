from __future__ import annotations

import threading
import time

import pytest

from service.decoding import ahead, chunks


def test_results_come_in_the_order_of_the_items_though_the_first_is_slowest():
    def slow_first(item: int) -> int:
        time.sleep(0.05 if item == 0 else 0.0)
        return item

    assert list(ahead(slow_first, range(9), threads=3, waiting=4)) == list(range(9))


def test_items_are_drawn_no_further_ahead_than_asked():
    drawn: list[int] = []
    items = (drawn.append(item) or item for item in range(100))
    results = ahead(lambda item: item, items, threads=2, waiting=3)
    assert next(results) == 0
    assert len(drawn) == 1 + 3
    results.close()


def test_an_error_comes_in_its_turn_after_the_results_before_it():
    results = ahead(lambda item: 1 // item, [1, 1, 0, 1], threads=2, waiting=2)
    assert [next(results), next(results)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_no_thread_is_left_when_the_consumer_stops_early():
    before = threading.active_count()
    results = ahead(lambda item: item, range(100), threads=2, waiting=3)
    next(results)
    results.close()
    assert threading.active_count() == before


def test_chunks_hold_every_item_once():
    assert [*chunks(range(7), 3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [*chunks([], 3)] == []
