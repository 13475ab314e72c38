"""The command `likewise` at a glance: help and version without importing a command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click import Context
from click.testing import CliRunner

from cli import main
from likewise.commands.group import COMMANDS

ROOT = Path(__file__).parents[3]
HEAVY = {"numpy", "faiss", "PIL", "orjson", "tqdm", "embedder", "index"}


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_no_command_and_nothing_heavy(option):
    code = (
        f"import sys, cli; cli.main([{option!r}], standalone_mode=False); "
        "print(*sys.modules, file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    loaded = set(ran.stderr.split())
    assert "likewise.commands.group" in loaded
    assert not {f"likewise.commands.{name}" for name in COMMANDS} & loaded
    assert not HEAVY & loaded


@pytest.mark.parametrize("name", COMMANDS)
def test_the_first_line_of_a_command_at_a_glance_is_that_of_its_own_help(name):
    command = main.get_command(Context(main), name)
    assert command is not None
    assert command.name == name
    assert (command.help or "").startswith(COMMANDS[name])


@pytest.mark.parametrize("name", COMMANDS)
def test_help_lists_each_command(name):
    assert f"  {name} " in CliRunner().invoke(main, ["--help"]).stdout


def test_completion_comes_from_click():
    asked = {"_LIKEWISE_COMPLETE": "bash_complete", "COMP_WORDS": "likewise ch", "COMP_CWORD": "1"}
    result = CliRunner().invoke(main, [], prog_name="likewise", env=asked)
    assert result.output.split() == ["plain,check"]
