"""Questions answered together: the same answers to the bit, none kept waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.decision import CheckOptions
from likewise.server.answering import batcher as batching
from likewise.server.answering.answer import Answering
from likewise.server.answering.batcher import Batcher
from likewise.server.answering.decoders import Decoders
from likewise.server.answering.pictures import Pictures
from likewise.server.answering.question import Answer, Options, Question
from likewise.server.metrics import Metrics
from tests.eventually import eventually
from tests.likewise.server.conftest import png


def run(batcher: Batcher, asking):
    """Start a batcher, run a coroutine with it, end it."""

    async def whole():
        batcher.start()
        try:
            return await asking(batcher)
        finally:
            await asyncio.to_thread(batcher.close)

    return asyncio.run(whole())


def test_what_waits_is_answered_together():
    turns: list[list[int]] = []
    free = threading.Event()

    def answer(questions: list[int]) -> list[int]:
        turns.append(questions)
        free.wait(60)
        return questions

    def asked_for() -> int:
        return len(batcher) + sum(map(len, turns))

    async def asking(batcher):
        asked = [asyncio.create_task(batcher.ask(0, 1))]
        await asyncio.to_thread(eventually, lambda: turns)
        asked += [asyncio.create_task(batcher.ask(n, 1)) for n in range(1, 5)]
        await asyncio.to_thread(eventually, asked_for, until=lambda count: count == 5)
        free.set()
        return await asyncio.gather(*asked)

    batcher = Batcher(answer)
    assert run(batcher, asking) == [0, 1, 2, 3, 4]
    assert len(turns) == 2
    assert [n for turn in turns for n in turn] == [0, 1, 2, 3, 4]


def test_a_piece_of_a_large_request_lets_small_ones_go_along():
    turns: list[list[str]] = []
    started, free = threading.Event(), threading.Event()

    def answer(questions: list[str]) -> list[str]:
        turns.append(questions)
        started.set()
        free.wait(60)
        return questions

    async def asking(batcher):
        pieces = [asyncio.create_task(batcher.ask(f"piece {n}", 256, piece=True)) for n in range(3)]
        await asyncio.to_thread(started.wait)
        small = asyncio.create_task(batcher.ask("small", 1))
        await asyncio.sleep(0)
        free.set()
        await asyncio.gather(*pieces, small)

    run(Batcher(answer), asking)
    assert turns == [["piece 0"], ["piece 1", "small"], ["piece 2"]]


def test_what_nobody_waits_for_any_more_is_not_answered():
    seen: list[str] = []
    started, free = threading.Event(), threading.Event()

    def answer(questions: list[str]) -> list[str]:
        seen.extend(questions)
        started.set()
        free.wait(60)
        return questions

    async def asking(batcher):
        first = asyncio.create_task(batcher.ask("first", 1))
        await asyncio.to_thread(started.wait)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(batcher.ask("left", 1), 0.01)
        free.set()
        await first

    run(Batcher(answer), asking)
    assert seen == ["first"]


def test_an_error_reaches_those_whose_it_is_and_the_thread_lives_on():
    def answer(questions: list[str]) -> list[str | Exception]:
        if "bad" in questions:
            raise ZeroDivisionError
        return [KeyError(question) if question == "odd" else question for question in questions]

    async def asking(batcher):
        for question, error in (("bad", ZeroDivisionError), ("odd", KeyError)):
            with pytest.raises(error):
                await batcher.ask(question, 1)
        return await batcher.ask("good", 1)

    assert run(Batcher(answer), asking) == "good"


def test_a_turn_begins_when_no_more_comes():
    turns: list[list[int]] = []

    def answer(questions: list[int]) -> list[int]:
        turns.append(questions)
        return questions

    async def asking(batcher):
        asked: list[asyncio.Future[int]] = []

        def ask(n: int) -> None:
            asked.append(asyncio.ensure_future(batcher.ask(n, 1)))

        for n in range(5):  # a question each time before the batcher looks what there is
            asyncio.get_running_loop().call_soon(ask, n)
            await asyncio.sleep(0)
        return await asyncio.gather(*asked)

    assert run(Batcher(answer), asking) == [0, 1, 2, 3, 4]
    assert turns == [[0, 1, 2, 3, 4]]


def test_a_turn_waits_for_who_has_just_connected(monkeypatch):
    for name in ("_GRACE", "_BACK"):
        monkeypatch.setattr(batching, name, 60)  # seconds: it ends when they ask or leave
    turns: list[list[int]] = []

    def answer(questions: list[int]) -> list[int]:
        turns.append(questions)
        return questions

    async def asking(batcher):
        batcher.expect("a")
        batcher.expect("b")
        first = asyncio.ensure_future(batcher.ask(0, 1))
        for _ in range(50):
            await asyncio.sleep(0)
        batcher.expect_no_more("a")
        second = asyncio.ensure_future(batcher.ask(1, 1))
        for _ in range(50):
            await asyncio.sleep(0)
        assert turns == []
        batcher.expect_no_more("b")  # goes without a question
        return await asyncio.gather(first, second)

    assert run(Batcher(answer), asking) == [0, 1]
    assert turns == [[0, 1]]


@pytest.mark.parametrize("others", [0, 10_000], ids=["alone", "among many"])
def test_who_connects_and_is_silent_keeps_nobody_waiting_for_long(others, monkeypatch):
    monkeypatch.setattr(batching, "_GRACE", 0.01 if not others else 60)
    came = 0

    async def asking(batcher):
        nonlocal came
        batcher.expect("silent")
        answer = asyncio.ensure_future(batcher.ask(0, 1))
        while not answer.done():
            if others:  # connect as well, all the time
                batcher.expect(came)
            came += 1
            await asyncio.sleep(0.001)  # at least: fewer come on a busy machine
        return await answer

    assert run(Batcher(lambda questions: questions), asking) == 0
    assert came < 1000


OPTIONS = st.builds(
    Options,
    kind=st.sampled_from(["check", "query"]),
    check=st.builds(
        CheckOptions,
        k=st.integers(1, 7),
        threshold=st.none() | st.sampled_from([0.0, 0.1, 0.3]),
        min_margin=st.none() | st.just(0.05),
        group=st.none() | st.sampled_from(["3", "7"]),
    ),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(st.tuples(OPTIONS, st.lists(st.integers(0, 41), max_size=4)), min_size=1))
def test_answers_given_together_are_those_given_one_by_one(asked, matcher, queries):
    answering = Answering(matcher, Metrics(1.0), Decoders(matcher.embedder, 1 << 20, 5.0))
    files = [*map(png, queries), b"no picture", b""]
    vectors = matcher.embedder.embed(np.stack([record.pixels() for record in queries]))
    questions = []
    for place, (options, chosen) in enumerate(asked):
        ids = [str(item) for item in chosen]
        pictures = Pictures(ids, [files[item] for item in chosen])
        if place % 3 == 2:  # now and then somebody sends vectors
            pictures = Pictures(ids, vectors=vectors[[item % 40 for item in chosen]])
        questions.append(Question(options, pictures))
    together = rows_of(answering.answer(questions))
    assert together == [rows_of(answering.answer([question]))[0] for question in questions]


def rows_of(answers: Sequence[Answer | Exception]) -> list[object]:
    assert all(isinstance(answer, Answer) for answer in answers)
    return [answer.rows for answer in answers if isinstance(answer, Answer)]
