"""Decoder processes give the same pixels as this process, and nothing outlives its limit."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from embedder.data.content import content_hash
from embedder.data.images import MAX_PIXELS, read_image
from embedder.decoders.pool import DecoderPool
from embedder.decoders.task import Result, Task
from embedder.errors import DecodingError, FormatError, ImageError, TooManyPixelsError
from embedder.preprocessing.prepare import prepare
from tests.embedder.bombs import encoded, repeated_scans
from tests.eventually import eventually

NOISE = np.random.default_rng(0).integers(0, 256, (90, 70), dtype=np.uint8)
FILE = encoded(Image.fromarray(NOISE), "PNG")
PLAIN = Task(MAX_PIXELS)
BOMB = repeated_scans(1024, 2500)  # seconds of any processor
BRIEF = 0.3  # seconds of a processor: more than a process needs for anything else here


@pytest.fixture(scope="module")
def pool():
    pool = DecoderPool(2)
    yield pool
    pool.close()


@pytest.fixture
def brief():
    pool = DecoderPool(1, BRIEF)
    yield pool
    pool.close()


def processes(pool: DecoderPool) -> list[int]:
    return [process._process.pid for process in [*pool._idle, *pool._busy]]


def test_a_picture_comes_back_as_it_is_read_here(pool, tmp_path):
    (tmp_path / "a.png").write_bytes(FILE)
    for source in (FILE, tmp_path / "a.png", str(tmp_path / "a.png"), NOISE):
        np.testing.assert_array_equal(pool.decode(PLAIN, source).pixels, NOISE)


@pytest.mark.parametrize(
    ("preprocessing", "shape"), [("digit2", (28, 28)), ("resize", (20, 30, 3))]
)
def test_it_is_prepared_and_hashed_as_here(pool, preprocessing, shape):
    result = pool.decode(Task(MAX_PIXELS, preprocessing, shape, hashed=True), FILE)
    np.testing.assert_array_equal(result.pixels, prepare([NOISE], preprocessing, shape)[0])
    assert result.content == content_hash(NOISE)


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (b"milk", ImageError, "not a picture"),
        (FILE[:100], ImageError, "truncated"),
        (encoded(Image.new("1", (3000, 2000)), "PNG"), TooManyPixelsError, "6 million pixels"),
        ("/nowhere/to/be/found", ImageError, "No such file"),
    ],
)
def test_an_error_is_that_of_this_process(pool, source, error, message):
    with pytest.raises(error, match=message):
        pool.decode(Task(max_pixels=5_000_000), source)


def test_a_drawing_is_not_run_by_a_process_either(pool):
    with pytest.raises(FormatError):
        pool.decode(PLAIN, b"%!PS-Adobe-3.0 EPSF-3.0\n{} loop\n")


@pytest.mark.costly
def test_a_picture_that_takes_too_long_ends_its_process_and_the_next_gets_another(brief):
    brief.decode(PLAIN, FILE)
    [before] = processes(brief)
    with pytest.raises(DecodingError, match=r"more than 0\.3 s of a processor"):
        brief.decode(PLAIN, BOMB)
    assert processes(brief) == []
    np.testing.assert_array_equal(brief.decode(PLAIN, FILE).pixels, NOISE)
    assert processes(brief) != [before]


def test_the_time_of_one_picture_is_not_counted_for_the_next(brief):
    large = encoded(Image.new("L", (3000, 3000)), "PNG")
    for _ in range(20):  # together several times what one of them may take
        assert brief.decode(PLAIN, large).pixels.shape == (3000, 3000)


def test_a_picture_that_takes_too_much_memory_is_refused_and_the_process_lives():
    pool = DecoderPool(1, memory=100 << 20)
    try:
        pool.decode(PLAIN, FILE)
        before = processes(pool)
        with pytest.raises(ImageError, match="more memory than may be used"):
            pool.decode(PLAIN, encoded(Image.new("RGB", (9000, 9000)), "PNG"))  # 243 MB
        assert pool.decode(PLAIN, FILE).pixels.shape == NOISE.shape
        assert processes(pool) == before
    finally:
        pool.close()


def test_a_process_that_dies_costs_one_picture(brief):
    brief.decode(PLAIN, FILE)
    [process] = processes(brief)
    os.kill(process, signal.SIGKILL)
    with pytest.raises(DecodingError, match="ended before it was done"):
        brief.decode(PLAIN, FILE)
    assert brief.decode(PLAIN, FILE).pixels.shape == NOISE.shape


def test_threads_share_a_pool_and_each_gets_its_own_picture(pool):
    pictures = [np.full((5 + n, 7), n, np.uint8) for n in range(60)]
    with ThreadPoolExecutor(8) as threads:
        results = threads.map(lambda pixels: pool.decode(PLAIN, pixels).pixels, pictures)
        for pixels, result in zip(pictures, results, strict=True):
            np.testing.assert_array_equal(pixels, result)
    assert len(processes(pool)) <= 2


def test_closing_ends_what_is_decoded_and_what_waits():
    pool = DecoderPool(1)
    reasons: list[str] = []

    def decode() -> None:
        with pytest.raises(DecodingError) as caught:
            pool.decode(PLAIN, BOMB)
        reasons.append(str(caught.value))

    threads = [threading.Thread(target=decode) for _ in range(3)]
    for thread in threads:
        thread.start()
    [process] = eventually(lambda: processes(pool))
    pool.close()
    for thread in threads:
        thread.join()
    assert len(reasons) == 3
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


@pytest.mark.costly
def test_a_file_that_may_cost_anything_is_read_by_a_process_and_gives_the_same(monkeypatch):
    from embedder.decoders import pool as pools

    asked: list[object] = []
    decode = DecoderPool.decode

    def counted(pool: DecoderPool, task: Task, source: bytes) -> Result:
        asked.append(source)
        return decode(pool, task, source)

    monkeypatch.setattr(DecoderPool, "decode", counted)
    few, many = repeated_scans(64, 16), repeated_scans(64, 17)
    np.testing.assert_array_equal(read_image(few), read_image(many))
    assert asked == [many]
    assert pools.shared() is pools.shared()


def test_a_file_too_large_to_be_read_at_once_is_opened_by_a_process(monkeypatch, tmp_path):
    from embedder.data import images

    monkeypatch.setattr(images, "_WHOLE", 100)
    (tmp_path / "a.png").write_bytes(FILE)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), NOISE)


@pytest.mark.costly
def test_the_command_line_limits_the_time_of_a_picture(tmp_path):
    from click.testing import CliRunner

    from cli import main
    from embedder.decoders.pool import SECONDS, limit_seconds

    (tmp_path / "bomb.jpg").write_bytes(BOMB)
    (tmp_path / "good.png").write_bytes(FILE)
    paths = [str(tmp_path / name) for name in ("good.png", "bomb.jpg")]
    try:
        done = CliRunner().invoke(main, ["compare", *paths, "--decode-timeout", str(BRIEF)])
        assert done.exit_code == 1
        assert "takes more than 0.3 s of a processor" in done.output
    finally:
        limit_seconds(SECONDS)
