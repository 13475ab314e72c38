"""The benchmarks that documents name exist, take what is shown, and say what is wrong in a line."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from click import Command, Option
from click.testing import CliRunner

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), ROOT / "bench/results.template.md"])
SHOWN = sorted(
    {
        (module, " ".join(words.split()))
        for page in PAGES
        for module, words in re.findall(r"`python -m bench\.(\w+)([^`]*)`", page.read_text())
    }
)


def command(module: str) -> Command:
    main = import_module(f"bench.{module}").main
    assert isinstance(main, Command)
    return main


def test_the_pages_name_many_benchmarks():
    assert len({module for module, _ in SHOWN}) >= 15


@pytest.mark.parametrize(("module", "words"), SHOWN, ids=" ".join)
def test_a_benchmark_that_a_page_names_takes_the_options_that_are_shown(module, words):
    options = {
        name
        for parameter in command(module).params
        if isinstance(parameter, Option)
        for name in parameter.opts
    }
    assert set(re.findall(r"--[\w-]+", words)) <= options


@pytest.mark.parametrize(
    ("module", "words", "part"),
    [
        ("groups", ["--model", "NOWHERE"], "There is no model at 'NOWHERE'"),
        ("later_groups", ["NOWHERE"], "There is no file, folder or bundled data set 'NOWHERE'"),
        ("pictures", ["EMPTY"], "Expected folders in EMPTY: orl, grocery, cifar10, omniglot."),
        ("newcomers", ["EMPTY"], "Expected folders in EMPTY: orl, grocery."),
        ("photographs", ["EMPTY"], "There are no photographs (*.jpg) in EMPTY/grocery/train."),
        ("promise", ["EMPTY"], "'EMPTY' is not a gallery"),
        ("postgres", ["localhost"], "Expected an address, as postgresql://host/db."),
        ("two_servers", ["localhost"], "Expected an address, as postgresql://host/db."),
        ("open_set", ["--held-out", "8", "--held-out", "9"], "Expected a pair of digits, as 89."),
    ],
    ids=lambda part: part if isinstance(part, str) else None,
)
def test_what_a_benchmark_cannot_use_is_told_in_a_line(module, words, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("EMPTY").mkdir()
    result = CliRunner().invoke(command(module), words)
    assert result.exit_code != 0
    assert result.stderr.splitlines()[-1].startswith(f"Error: {part}")
