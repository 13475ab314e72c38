"""LiteRT as a runtime: threads, batches, silence."""

import numpy as np
import pytest

from embedder.model import SHIPPED
from embedder.runtime import litert
from embedder.runtime.litert import BATCH, LiteRT

NETWORK = (SHIPPED / "model.tflite").read_bytes()


@pytest.mark.parametrize("threads", [1, 3])
def test_batches_on_threads_give_the_rows_of_single_pictures(threads, rng):
    pixels = rng.integers(0, 256, (2 * BATCH + 5, 28, 28), dtype=np.uint8)
    runtime = LiteRT(NETWORK, 64, threads)
    single = [runtime.run(pixels[row : row + 1])[0] for row in (0, BATCH, 2 * BATCH + 4)]
    np.testing.assert_array_equal(runtime.run(pixels)[[0, BATCH, 2 * BATCH + 4]], single)


def test_a_batch_holds_no_more_values_than_fit_into_memory(rng, monkeypatch):
    pixels = rng.integers(0, 256, (20, 28, 28), dtype=np.uint8)
    expected = LiteRT(NETWORK, 64, 1).run(pixels)
    sizes = []
    run = litert._Interpreter.run

    def recorded(self, values):
        sizes.append(len(values))
        return run(self, values)

    monkeypatch.setattr(litert._Interpreter, "run", recorded)
    monkeypatch.setattr(litert, "_VALUES", 6 * 28 * 28 + 1)
    np.testing.assert_array_equal(LiteRT(NETWORK, 64, 1).run(pixels), expected)
    assert sizes == [6, 6, 6, 2]
    sizes.clear()
    monkeypatch.setattr(litert, "_VALUES", 28 * 28 - 1)  # one picture is always embedded
    np.testing.assert_array_equal(LiteRT(NETWORK, 64, 2).run(pixels), expected)
    assert sizes == [1] * 20


def test_a_new_interpreter_writes_nothing_to_stderr(capfd):
    LiteRT(NETWORK, 64, 1).run(np.zeros((1, 28, 28), np.uint8))
    assert not capfd.readouterr().err
