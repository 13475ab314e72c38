from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from embedder.data.sources import Record
from embedder.errors import ImageError
from likewise.decoding import chunks, decode, decode_stream, gathered
from likewise.parallel import ahead
from tests.fakes import FakeEmbedder


def test_results_come_in_the_order_of_the_items_though_the_first_is_slowest():
    another_done = threading.Event()

    def slow_first(item: int) -> int:
        if item == 0:
            assert another_done.wait(60)
        else:
            another_done.set()
        return item

    assert list(ahead(slow_first, range(9), threads=3, waiting=4)) == list(range(9))


def test_items_are_drawn_no_further_ahead_than_asked():
    drawn: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            drawn.append(item)
            yield item

    results = ahead(lambda item: item, items(), threads=2, waiting=3)
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


def test_slow_pictures_come_in_smaller_steps_and_none_is_lost(scans, tmp_path):
    fake = FakeEmbedder(tmp_path / "model")
    records = [Record(path.name, None, path) for path in sorted(scans.iterdir())]
    parts = [decode(batch, fake, hashed=True) for batch in chunks(records, 4)]
    whole = decode(records, fake, hashed=True)
    for seconds, sizes in [(0.0, [4] * 10), (60.0, [4, 4, 8, 16, 8])]:
        steps = list(gathered(parts, 16, seconds))
        assert [len(step.records) for step in steps] == sizes
        assert [r for step in steps for r in step.readable] == whole.readable
        assert [c for step in steps for c in step.contents] == whole.contents
        np.testing.assert_array_equal(np.concatenate([s.images for s in steps]), whole.images)


def test_an_interrupt_waits_for_the_picture_under_way_and_not_for_those_behind_it(tmp_path):
    begun: list[None] = []

    class Slow:
        def read_bytes(self) -> bytes:
            begun.append(None)
            time.sleep(0.1)
            return b"P5 2 1 255 " + bytes([0, 200])

    def interrupted() -> Iterator[Record]:
        yield from [Record(str(number), None, Slow()) for number in range(64)]
        raise KeyboardInterrupt

    stream = decode_stream(interrupted(), FakeEmbedder(tmp_path), size=64, seconds=60.0)
    with pytest.raises(KeyboardInterrupt):
        next(stream)
    assert len(begun) < 10


def test_an_error_in_one_thread_keeps_no_other_from_decoding(tmp_path):
    fake = FakeEmbedder(tmp_path / "model")
    blank = Record("blank", None, np.zeros((28, 28), np.uint8))
    wrong = Record("wrong", None, np.zeros((1100, 1000), np.float64))  # prepared at once
    with pytest.raises(ValueError, match="must be uint8") as held:  # with its traceback
        [*decode_stream([wrong] * 64 + [blank] * 640, fake, size=64, seconds=60.0)]
    assert [len(part.images) for part in [decode([blank], fake)]] == [1]
    assert held.value.__traceback__ is not None


def test_chunks_hold_every_item_once():
    assert [*chunks(range(7), 3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [*chunks([], 3)] == []


class Waiting:
    """A picture whose file does not come."""

    def __init__(self) -> None:
        self.asked, self.ended = threading.Event(), threading.Event()

    def read_bytes(self) -> bytes:
        self.asked.set()
        assert self.ended.wait(60)
        raise ImageError("it never came")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_does_not_wait_for_a_thread_that_decoded_before_it(tmp_path):
    embedder, waiting = FakeEmbedder(tmp_path), Waiting()
    blank = Record("blank", None, np.zeros((28, 28), np.uint8))
    decoder = threading.Thread(target=decode, args=([Record("a", None, waiting)], embedder))
    decoder.start()
    assert waiting.asked.wait(60)
    child = os.fork()
    if not child:
        signal.alarm(20)  # ends it should it wait
        try:
            decode([blank], embedder)
        except BaseException:
            os._exit(1)
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    waiting.ended.set()
    decoder.join()
    assert ended == 0
