"""Every command, and the service, on a gallery's address in PostgreSQL."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from embedder.data.sources import records
from index.address import place_of
from index.decision import CheckOptions
from likewise.bulk.job import Job
from likewise.commands.group import main
from likewise.matcher import Matcher
from tests.machines import Copies, forget
from tests.postgres_server import Server


def run(*words: object) -> tuple[str, str]:
    """Run a command; returns what it wrote to stdout and stderr."""
    result = CliRunner().invoke(main, list(map(str, words)))
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def refused(*words: object) -> str:
    """Run a command that must end in one line; returns the line."""
    result = CliRunner().invoke(main, list(map(str, words)))
    assert result.exit_code == 1
    [line] = result.stderr.splitlines()
    return line.removeprefix("Error: ")


@pytest.fixture
def shoes(postgres: Server, scans: Path, fake: object, tmp_path: Path) -> tuple[str, Path]:
    """One gallery of pictures in PostgreSQL and in a directory."""
    for name in ("05.png", "06.png"):
        (scans / name).unlink()
    here = tmp_path / "shoes.gallery"
    for place in (postgres.url("shoes"), here):
        run("build", place, scans, "--label-each")
    return postgres.url("shoes"), here


@pytest.mark.costly
def test_each_command_says_of_an_address_what_it_says_of_a_directory(shoes, scans, tmp_path):
    address, here = shoes
    (tmp_path / "more").mkdir()
    shutil.copy(scans / "00.png", tmp_path / "more" / "again.png")
    commands = [
        "check GALLERY SCANS --threshold 0.5",
        "query GALLERY SCANS -k 3",
        "add GALLERY MORE --label zero",
        "remove GALLERY 01.png",
        "check GALLERY SCANS --threshold 0.5 --group zero",
        "doctor GALLERY --format json",
        "calibrate GALLERY --fpir 0.5 --cross-validate",
        "check GALLERY SCANS --evidence",
        "info GALLERY --format json",
    ]
    for command in commands:
        outputs = []
        for place in (address, here):
            names = {"GALLERY": str(place), "SCANS": str(scans), "MORE": str(tmp_path / "more")}
            out, _ = run(*(names.get(word, word) for word in shlex.split(command)))
            outputs.append(out.replace(str(place), "GALLERY"))
        if command.startswith("info"):
            described = [json.loads(each) for each in outputs]
            for each in described:
                del each["bytes"]
            assert described[0] == described[1]
        else:
            assert outputs[0] == outputs[1], command


@pytest.mark.costly
def test_machines_that_open_the_address_themselves_give_the_same_rows(shoes, scans, tmp_path):
    rows = []
    for name, place, machines in zip(("there", "here"), shoes, (Copies(), None), strict=True):
        with Matcher.open(place) as matcher:
            options = CheckOptions(threshold=0.5)
            job = Job(matcher, records(scans), ["scans"], options, lambda count: None, machines)
            job.write(tmp_path / f"{name}.csv")
        rows.append((tmp_path / f"{name}.csv").read_bytes())
    forget(place_of(shoes[0]))
    assert rows[0] == rows[1]


@pytest.mark.costly
def test_a_gallery_moves_there_and_back(shoes, tmp_path):
    address, here = shoes
    there = address.replace("#shoes", "#moved")
    _, said = run("copy", here, there)
    assert f"Copied 38 references of {here} to {there}, generation" in said
    run("backup", there, tmp_path / "back.gallery")
    rows = [
        run("query", place, "mnist/test/00017")[0]
        for place in (here, there, tmp_path / "back.gallery")
    ]
    assert len(set(rows)) == 1
    assert refused("copy", here, there).endswith("or remove it first.")


def test_what_must_be_a_directory_says_so(shoes, tmp_path):
    address, here = shoes
    for words in (["demo", address], ["backup", here, address]):
        assert refused(*words).startswith(f"Expected a directory. Received: {address}. ")


def test_a_gallery_is_built_once_and_a_failed_build_leaves_nothing(postgres, scans, fake, tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.png").write_text("not a picture")
    address = postgres.url("shoes")
    for _ in range(2):
        result = CliRunner().invoke(main, ["build", address, str(tmp_path / "bad"), "--label", "x"])
        assert result.stderr.endswith("No picture could be read: nothing was added.\n")
    run("build", address, scans, "--label-each")
    again = refused("build", address, scans, "--label-each")
    assert again.startswith(f"{address} exists already. Add to it: likewise add ")


def test_the_cache_lies_where_it_is_told(shoes, tmp_path, monkeypatch):
    address, _ = shoes
    monkeypatch.setenv("LIKEWISE_CACHE", os.environ["LIKEWISE_CACHE"])  # the option changes it
    run("query", address, "mnist/test/00017", "--cache", tmp_path / "here")
    [cache] = (tmp_path / "here").iterdir()
    assert cache.name.startswith("shoes-")
    assert (cache / "model").is_dir()
    assert cache.stat().st_mode & 0o077 == 0


def test_a_missing_gallery_and_a_missing_server_are_one_sentence(postgres):
    nothing = postgres.url("nothing")
    assert refused("info", nothing).startswith("There is no gallery 'nothing' in this database")
    away = nothing.replace(str(postgres.port), "1")
    for command in ("info", "doctor"):
        assert refused(command, away).startswith(f"Cannot connect to '{away}': ")
