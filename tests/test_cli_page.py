"""docs/cli.md, and requirements on the help of each command."""

from __future__ import annotations

import inspect

import pytest
from click import Argument, Command, Context

from docs.cli import PAGE, page
from likewise.commands.group import COMMANDS, main


def command(name: str) -> Command:
    known = main.get_command(Context(main), name)
    assert known is not None
    return known


def test_the_page_of_the_command_line_is_what_the_commands_say_today():
    assert PAGE.read_text(encoding="utf-8") == page(), "docs/cli.md is stale: run `make cli`"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_says_when_to_use_it(name):
    assert "\n\nUse it " in inspect.cleandoc(command(name).help or "")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_each_option_is_a_sentence(name):
    options = [param for param in command(name).params if not isinstance(param, Argument)]
    for option in options:
        sentence = (getattr(option, "help", None) or "").partition("  [default: ")[0]
        assert sentence[:1].isupper(), option.name
        assert sentence.endswith((".", "?")), option.name
