"""The documentation shows what really happens.

Every `console` block of README.md and docs/ is run: a line after `$ ` is a command, the lines
after it are what it must print, where `...` stands for anything. A command with no lines after it
must only succeed; one that shows `Error:` must fail. Every `python` block is run too, in the same
folder, after the blocks above it. A server gets a free port instead of the one that is shown, or
of 8000, so that several runs of the tests keep out of each other's way. Sybil finds the blocks;
`<!--- skip: next -->` leaves one out.

Docstring examples are run by pytest itself (`--doctest-modules`), and ruff's rules D1 hold that
every public function has a docstring.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from unittest import SkipTest

import pytest
from click import Command, Context, Group
from sybil import Document, Example
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

from cli import main

ROOT = Path(__file__).parents[1]
_PROGRESS = re.compile(r"[^\n]*pictures/s\]\n")  # of work that takes more than ten seconds here
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n?((?:(?!\$ ).*\n?)*)", re.MULTILINE)

# What changes the machine is run by the slow test of packaging and by .ci/run, not here.
ELSEWHERE = ("make", "pip", "git", "cd", "python3", ".", "source", "pre-commit")
SAMPLES = ("seven", "two", "one", "zero", "four")  # the first five test digits, in order


def commands(block: str) -> list[tuple[str, str]]:
    """The commands of a `console` block, each with the output that is shown for it."""
    return [(command, shown.strip()) for command, shown in COMMAND.findall(block)]


@cache
def free_port(shown: str) -> str:
    """The port that stands for one that is shown."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def with_free_ports(command: str) -> str:
    return re.sub(r"(?<=--port |\.0\.0\.1:)\d+", lambda shown: free_port(shown[0]), command)


def in_background(command: str) -> str:
    """A server that is shown with `&` alone keeps a log, and a number by which it is ended."""
    if not re.fullmatch(r"likewise serve .* &", command):
        return command
    return f"{command[:-2]} --port {free_port('8000')} > serve.log 2>&1 & echo $! > serve.pid"


def run(command: str) -> tuple[int, str]:
    """Exit status, and what a command prints but for the progress of long work."""
    beside_python = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", command],
        env=os.environ | {"PATH": beside_python, "COLUMNS": "100", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, _PROGRESS.sub("", done.stdout.decode())


def evaluate_console(example: Example) -> str | None:
    """Run a block; return what is wrong with it, or None."""
    for command, shown in commands(example.parsed):
        if shlex.split(command)[0] in ELSEWHERE:
            continue
        status, printed = run(in_background(with_free_ports(command)))
        if (status != 0) != bool(re.search(r"^Error: ", shown, re.MULTILINE)):
            return f"$ {command}\nended with status {status} and printed:\n{printed}"
        if shown and not doctest.OutputChecker().check_output(shown, printed, FLAGS):
            return f"$ {command}\nis shown with:\n{shown}\n\nbut printed:\n{printed}"
    return None


PARSERS = (
    CodeBlockParser("console", evaluate_console),
    PythonCodeBlockParser(doctest_optionflags=FLAGS),
    SkipParser(),
)


def write_samples(folder: Path) -> None:
    """Pictures as a person would have them, dark on white.

    Digits, seven.png and so on, all of them in photos/ too, and a letter that is no digit.
    """
    from PIL import Image, ImageOps

    from embedder.data.sources import records
    from likewise.commands.non_digits import non_digits

    (folder / "photos").mkdir()
    for name, record in zip(SAMPLES, records("mnist/test"), strict=False):
        picture = ImageOps.invert(Image.fromarray(record.pixels())).resize((140, 140))
        for path in (folder / f"{name}.png", folder / "photos" / f"{name}.png"):
            ImageOps.expand(picture, 20, 255).save(path)
    letter = next(non_digits()).pixels()
    Image.fromarray(letter).save(folder / "letter.png")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
@pytest.mark.costly
def test_every_block_does_what_the_document_shows(path, tmp_path, monkeypatch):
    write_samples(tmp_path)
    monkeypatch.chdir(tmp_path)
    try:
        for example in Document.parse(str(path), *PARSERS):
            with suppress(SkipTest):
                example.evaluate()
    finally:
        end_servers(tmp_path)


def end_servers(folder: Path) -> None:
    """End a server that a document started, should it have failed before it did so itself."""
    for file in folder.glob("*.pid"):
        with suppress(ProcessLookupError):
            os.kill(int(file.read_text()), signal.SIGTERM)


def documented() -> Iterator[tuple[str, str]]:
    """Every `likewise ...` line in a block of the documents, skipped ones too, by document."""
    fenced = re.compile(r"^```(?:console|sh|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
    for path in DOCUMENTS:
        for block in fenced.findall(path.read_text()):
            for command, _ in commands(block):
                if command.startswith("likewise "):
                    yield path.name, command.replace("\\\n", " ")


def leaves(group: Group, *before: str) -> Iterator[tuple[str, Command]]:
    """Every command with its full name, those of groups within groups included."""
    context = Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, Group):
            yield from leaves(command, *before, name)
        else:
            yield " ".join([*before, name]), command


COMMANDS = dict(leaves(main))


@pytest.mark.parametrize(("document", "line"), list(documented()))
def test_a_documented_command_and_its_options_exist(document, line):
    words = shlex.split(re.split(r"[|>]", line)[0])[1:]
    passed = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    name = next((name for name in COMMANDS if words[: len(name.split())] == name.split()), None)
    known = COMMANDS[name].params if name else main.params
    assert name or not words[0].isalpha(), f"{document}: no command {words[0]!r}"
    options = {option for param in known for option in (*param.opts, *param.secondary_opts)}
    assert passed <= options | {"--help", "-h", "--version"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_each_command_holds_an_example_of_it(name):
    settings = main.context_settings  # click keeps the first context's names of --help
    with Context(COMMANDS[name], info_name=f"likewise {name}", **settings) as context:
        text = COMMANDS[name].get_help(context)
    example = re.compile(rf"^ +(?:[^\n]*\| )?likewise {name}(?: |$)", re.MULTILINE)
    assert example.search(text), text


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_names_each_command(name):
    assert f"likewise {name}" in (ROOT / "README.md").read_text()


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 120


def test_a_console_block_that_shows_something_else_fails():
    block = "```console\n$ echo one\\\n    two\none two\n$ echo three\nfour\n```\n"
    (example,) = CodeBlockParser("console", evaluate_console)(Document(block, "made up"))
    wrong = evaluate_console(Example(Document(block, ""), 1, 0, example, {}))
    assert wrong == "$ echo three\nis shown with:\nfour\n\nbut printed:\nthree\n"


def test_a_console_block_that_fails_without_saying_so_fails():
    block = "```console\n$ exit 3\n```\n"
    (example,) = CodeBlockParser("console", evaluate_console)(Document(block, "made up"))
    wrong = evaluate_console(Example(Document(block, ""), 1, 0, example, {}))
    assert wrong == "$ exit 3\nended with status 3 and printed:\n"


def test_a_server_that_is_shown_gets_one_free_port():
    shown = "likewise serve g --port 8017; curl http://127.0.0.1:8017/readyz http://127.0.0.1:8018/"
    first, again, other = re.findall(r"\d{4,}", with_free_ports(shown))
    assert first == again != "8017"
    assert other != "8018"


def test_a_server_in_the_background_is_ended_later_and_asked_at_its_free_port():
    shown = in_background("likewise serve g &")
    port = with_free_ports("curl http://127.0.0.1:8000/readyz").rpartition(":")[2].split("/")[0]
    assert shown == f"likewise serve g --port {port} > serve.log 2>&1 & echo $! > serve.pid"
    assert in_background("likewise serve g --port 1 > log & echo $!").endswith("1 > log & echo $!")
