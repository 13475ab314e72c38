"""Notices of native libraries are kept from stderr, and nothing else."""

import os

import pytest

from embedder.runtime.quiet import without_notices


def test_notices_about_graphics_cards_are_kept_back_and_all_else_is_written(capfd):
    with without_notices():
        os.write(2, b"I0000 cudart_stub.cc:31] Could not find cuda drivers\n")
        os.write(2, b"I0000 port.cc:153] oneDNN custom operations are on. You may see\n")
        os.write(2, b"real trouble\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "real trouble\nafter\n"


def test_what_was_written_before_an_error_is_not_lost(capfd):
    def load() -> None:
        with without_notices():
            os.write(2, b"a library is missing\n")
            raise ImportError

    with pytest.raises(ImportError):
        load()
    assert capfd.readouterr().err == "a library is missing\n"
