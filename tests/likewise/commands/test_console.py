"""stdin, stdout and stderr: closed, full, and as terminals."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from likewise.commands.console import LogLines
from tests.likewise.commands.running import (
    ALL,
    FAKED,
    ROOT,
    done,
    process,
    run,
)


def test_a_single_one_is_reported_in_the_singular(gallery, tmp_path):
    built = done("build", tmp_path / "one.gallery", "mnist/test/00001").stderr
    assert "; 1 reference of 1 group in" in built
    assert "references: 1 in 1 group\n" in done("info", tmp_path / "one.gallery").stdout
    assert "1 row of" in done("embed", "mnist/test/00001", "-o", tmp_path / "one.npy").stderr


@pytest.mark.costly
@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_closed_stream_is_not_a_traceback(gallery, closed):
    sign = {"stdout": ">&-", "stderr": "2>&-"}[closed]
    words = [sys.executable, "-c", FAKED, ALL, "check", str(gallery), "mnist/test/00000"]
    ended = subprocess.run(
        ["sh", "-c", f'"$@" {sign}', "sh", *words], cwd=ROOT, capture_output=True, check=False
    )
    if closed == "stdout":
        assert ended.stderr.startswith(b"Error: stdout is closed")
    else:
        assert (ended.returncode, json.loads(ended.stdout)["id"]) == (0, "mnist/test/00000")


@pytest.mark.costly
@pytest.mark.parametrize(
    "words", [["info"], ["doctor"], ["query", "mnist/test/00000", "--pictures"]]
)
def test_text_for_people_needs_an_open_stdout_too(gallery, words):
    command, *others = words
    asked = [sys.executable, "-c", FAKED, ALL, command, str(gallery), *others]
    ended = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *asked], cwd=ROOT, capture_output=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"Error: stdout is closed")


@pytest.mark.costly
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_reported_with_what_was_written(gallery):
    words = [sys.executable, "-c", FAKED, ALL, "check", str(gallery), "mnist/test/00000"]
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(words, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ended.stderr.splitlines()[0] == b"Error: stdout: No space left on device"


@pytest.mark.costly
def test_paths_from_a_closed_stdin_are_one_sentence(gallery):
    words = [sys.executable, "-c", FAKED, ALL, "check", str(gallery), "-"]
    ended = subprocess.run(
        ["sh", "-c", '"$@" <&-', "sh", *words], cwd=ROOT, capture_output=True, check=False
    )
    assert ended.stderr.startswith(b"Error: stdin is closed, but - reads it")


@pytest.mark.costly
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_threshold_that_is_stored_but_cannot_be_printed_is_told(gallery):
    words = [sys.executable, "-c", FAKED, ALL, "calibrate", str(gallery), "--fpir", "0.1"]
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(words, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False)
    told = f"{gallery} has the threshold fpir-0.1 all the same.\nError: stdout: No space left"
    assert told.encode() in ended.stderr
    assert "fpir-0.1" in done("info", gallery).stdout


@pytest.mark.costly
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_a_full_disk_is_one_sentence_for_options_that_write_too(option):
    words = [sys.executable, str(ROOT / "cli.py"), option]
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(words, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (1, b"Error: No space left on device\n")


@pytest.mark.costly
def test_a_closed_pipe_ends_quietly(gallery, copies):
    running = process(ALL, "check", gallery, copies, stdout=subprocess.PIPE)
    assert running.stdout is not None
    assert running.stdout.readline().startswith(b'{"id":"0"')
    running.stdout.close()
    running.stdout = None
    _, output = running.communicate(timeout=60)
    assert output == b""


def test_what_people_read_shows_control_characters_instead_of_obeying_them(gallery, scans):
    name = "seven\x1b[2J\n.png"
    shutil.copy(scans / "00.png", scans.parent / name)
    done("add", gallery, scans.parent / name, "--label", "7\x1b[31m")
    output = done("info", gallery).stdout + done("doctor", gallery).stdout
    output += run("query", gallery, scans.parent / name, "--pictures").stdout
    output += run("check", gallery, f"{scans.parent / name}x*", "--format", "table").stderr
    assert r"7\x1b[31m: 1" in output
    assert "\x1b" not in output


def test_a_bar_in_a_log_is_lines_of_plain_text(capsys) -> None:
    log = LogLines()
    for text in ("\r 10 pictures [00:10]   ", "\r 20 pictures [00:20]   ", "\r              \r"):
        log.write(text)
    assert capsys.readouterr().err == "10 pictures [00:10]\n20 pictures [00:20]\n"
