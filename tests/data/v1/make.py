"""The script that made the model, gallery and answers in this folder, with version 0.1.0.

Not to be run again: they show that format 1 opens and answers the same for ever.

    python tests/data/v1/make.py FOLDER
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx

LIKEWISE = str(Path(sys.executable).with_name("likewise"))
REFERENCES = [f"mnist/train/{place:05}" for place in range(200)]
DIGITS = [f"mnist/test/{place:05}" for place in range(15)]
CHECKS = {  # options of `likewise check`, and how many of the digits are asked with them
    (): 8,
    ("--threshold", "0.4", "-k", "3"): 4,
    ("--min-margin", "0.9", "-k", "20"): 3,
    ("--group", "7"): 3,
    ("--at", "calibrated", "--evidence"): 4,
}
QUERIES = {("-k", "5"): 6, ("-k", "1", "--evidence", "--at", "calibrated"): 4}
PAIRS = [(0, 17), (0, 2), (4, 4), (3, 9), (1, 14)]
HTTP = {"/v1/check": 5, "/v1/check?k=2&threshold=0.5": 3, "/v1/query?k=3": 3, "/v1/embed": 2}


def likewise(*arguments: str) -> list[dict[str, object]]:
    """The rows that a command prints."""
    done = subprocess.run([LIKEWISE, *arguments], capture_output=True, check=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def make(folder: Path) -> None:
    """Write the model, a gallery of 200 digits, 15 scans of digits, and 50 answers."""
    import embedder

    shipped = Path(embedder.__file__).parent / "pretrained"
    model, gallery = folder / "model", folder / "digits.gallery"
    model.mkdir()
    for name in ("model.json", "model.tflite"):
        shutil.copy(shipped / name, model)
    likewise("build", str(gallery), *REFERENCES, "--model", str(model))
    likewise("calibrate", str(gallery), "mnist/test", "--fpir", "0.05", "--name", "calibrated")
    answers = [*from_commands(str(gallery)), *over_http(gallery)]
    assert len(answers) == 50
    lines = (json.dumps(answer) for answer in answers)
    (folder / "answers.jsonl").write_text("\n".join([*lines, ""]))


def from_commands(gallery: str) -> list[dict[str, object]]:
    """What check, query and compare print."""
    answers: list[dict[str, object]] = []
    for command, asked in (("check", CHECKS), ("query", QUERIES)):
        for options, count in asked.items():
            for digit in DIGITS[:count]:
                [row] = likewise(command, gallery, digit, *options)
                answers.append({"command": [command, digit, *options], "row": row})
    for a, b in PAIRS:
        pair = [f"mnist/test/{a:05}", f"mnist/test/{b:05}"]
        [row] = likewise("compare", *pair, "--gallery", gallery)
        answers.append({"command": ["compare", *pair], "row": row})
    return answers


def over_http(gallery: Path) -> list[dict[str, object]]:
    """What a server answers to one PNG file."""
    from embedder.data.sources import records
    from tests.likewise.server.conftest import png

    server = subprocess.Popen(
        [LIKEWISE, "serve", str(gallery), "--port", "0"], stderr=subprocess.PIPE, text=True
    )
    assert server.stderr is not None
    try:
        [url] = re.findall(r"on (http://\S+)/", server.stderr.readline())
        answers: list[dict[str, object]] = []
        for path, count in HTTP.items():
            for digit in DIGITS[-count:]:
                [record] = records(digit)
                answer = httpx.post(
                    url + path, content=png(record), headers={"Content-Type": "image/png"}
                )
                answers.append({"http": path, "digit": digit, "answer": answer.json()})
        return answers
    finally:
        server.kill()
        server.communicate()


if __name__ == "__main__":
    make(Path(sys.argv[1]))
