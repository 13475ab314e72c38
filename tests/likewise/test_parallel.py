"""Work that is shared among threads."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Barrier, Event, get_ident

import pytest

from likewise import parallel
from likewise.parallel import map_items


@pytest.fixture
def two_cores(monkeypatch):
    """Whatever this machine has: one helper."""
    monkeypatch.setattr(parallel, "count", lambda: 2)
    parallel._pool.cache_clear()
    yield
    parallel._pool.cache_clear()


def test_results_come_in_the_order_of_the_parts():
    assert map_items(lambda part: part * part, range(100)) == [part * part for part in range(100)]
    assert map_items(lambda part: part, []) == []


def test_two_parts_are_worked_on_at_the_same_time(two_cores):
    both = Barrier(2, timeout=60)  # is passed by two at once, or raises
    idents = map_items(lambda part: (both.wait(), get_ident())[1], range(2))
    assert get_ident() in idents
    assert len(set(idents)) == 2


def test_one_thread_is_this_one(two_cores):
    assert set(map_items(lambda part: get_ident(), range(9), threads=1)) == {get_ident()}


def test_what_the_work_raises_is_raised_and_nothing_more_is_begun(two_cores):
    begun = []

    def work(part: int) -> None:
        begun.append(part)
        raise ValueError(f"part {part}")

    with pytest.raises(ValueError, match=r"part [01]"):
        map_items(work, range(1000))
    assert len(begun) <= 2


def test_nothing_is_raised_while_a_helper_is_still_at_work(two_cores, monkeypatch):
    both, raised = Barrier(2, timeout=60), Event()
    ended: list[int] = []

    def work(part: int) -> None:
        both.wait()
        if get_ident() == me:
            raise ValueError("this thread's own part")
        assert raised.wait(60)
        ended.append(part)

    def waited(helpers: list[Future[None]]) -> None:
        assert not any(helper.done() for helper in helpers)  # this thread's part was raised first
        raised.set()
        wait(helpers)

    me = get_ident()
    monkeypatch.setattr(parallel, "wait", waited)
    with pytest.raises(ValueError, match="own part"):
        map_items(work, range(2))
    assert len(ended) == 1


def test_a_helper_that_another_keeps_busy_is_not_waited_for(two_cores):
    busy, released = Event(), Event()
    entered = Barrier(2, action=busy.set, timeout=60)

    def hold(part: int) -> None:
        entered.wait()
        released.wait(60)

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(map_items, hold, range(2))  # by that thread and by the helper
        assert busy.wait(60)
        assert map_items(lambda part: part, range(5)) == [0, 1, 2, 3, 4]
        assert not held.done()
        released.set()
        held.result()


def test_a_part_may_itself_be_shared(two_cores):
    def inner(part: int) -> int:
        return sum(map_items(lambda number: number * part, range(4)))

    assert map_items(inner, range(8)) == [6 * part for part in range(8)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_helpers_of_its_own(two_cores):
    map_items(lambda part: part, range(2))  # the helper is there now
    child = os.fork()
    if not child:
        both = Barrier(2, timeout=60)
        try:
            map_items(lambda part: both.wait(), range(2))
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
