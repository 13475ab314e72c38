"""What the help of `likewise serve` says of limits is what they are."""

from __future__ import annotations

import re

import click
import pytest

from embedder.data.images import MAX_PIXELS
from likewise.commands.serve import serve
from likewise.server.settings import Settings

UNITS = {"": 1, "MiB": 1 << 20, "GiB": 1 << 30, "million": 1_000_000}
OPTIONS = {option.name: option for option in serve.params if isinstance(option, click.Option)}
TOLD = {
    name: told[1]
    for name, option in OPTIONS.items()
    if (told := re.search(r"\[default: (.*)\]", option.help or ""))
    and name in Settings.__dataclass_fields__
    and name != "jobs"
}


def number(text: str) -> float:
    if text == "a week":
        return 7 * 24 * 60 * 60
    count, _, unit = text.partition(" ")
    return int(count) * UNITS[unit]


@pytest.mark.parametrize("name", sorted(TOLD))
def test_the_help_names_the_default_of_each_limit(name):
    assert number(TOLD[name]) == getattr(Settings(), name)


def test_no_limit_is_left_out_of_the_help():
    limits = {"timeout", "min_rate", "keep_jobs"}
    limits |= {name for name in Settings.__dataclass_fields__ if name.startswith("max_")}
    assert limits <= set(TOLD)


def test_a_picture_may_have_as_many_pixels_as_can_be_read():
    allowed = OPTIONS["max_pixels"].type
    assert isinstance(allowed, click.IntRange)
    assert allowed.max == MAX_PIXELS
