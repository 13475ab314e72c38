"""Text from other programs: marks, line ends and alphabets, in every place that reads text."""

from __future__ import annotations

import base64
import json
import textwrap
from pathlib import Path

import pytest

from embedder.data.encodings import text_encoding
from embedder.data.sources import records
from likewise.server.auth import read_keys
from likewise.server.errors import ApiError
from likewise.server.requests.json_bodies import decoded
from tests.likewise.commands.running import rows
from tests.likewise.server.conftest import png, serving

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]
ENDS = ["\n", "\r\n"]


@pytest.fixture
def pictures(tmp_path, queries) -> list[Path]:
    paths = [tmp_path / "größe.png", tmp_path / "b.png"]
    for path, record in zip(paths, queries, strict=False):
        path.write_bytes(png(record))
    return paths


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_paths_on_stdin_are_found_in_each_encoding(gallery, pictures, encoding, end):
    text = "".join(f"{path}{end}" for path in pictures)
    found = rows("check", gallery, "-", input=text.encode(encoding))
    assert [row["id"] for row in found] == list(map(str, pictures))
    assert "error" not in {row["decision"] for row in found}


def test_a_path_on_stdin_of_other_bytes_stays_as_it_is(gallery, tmp_path, queries):
    path = tmp_path.joinpath("caf\udce9.png")
    path.write_bytes(png(queries[0]))
    [row] = rows("check", gallery, "-", input=bytes(tmp_path) + b"/caf\xe9.png\n")
    assert row["decision"] != "error"


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_lists_are_read_in_each_encoding(tmp_path, encoding, end, ending):
    table = [("größe.png", "Müller"), ("b.png", "7")]
    lines = ["path,label", *map(",".join, table)]
    if ending == "jsonl":
        lines = [json.dumps({"path": p, "label": n}, ensure_ascii=False) for p, n in table]
    path = tmp_path / f"list.{ending}"
    path.write_bytes("".join(f"{line}{end}" for line in lines).encode(encoding))
    assert [(record.id, record.label) for record in records(path)] == table


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_keys_are_read_in_each_encoding(tmp_path, encoding):
    path = tmp_path / "keys"
    path.write_bytes(f"read {'a' * 48}\r\nwrite {'b' * 48}\r\n".encode(encoding))
    path.chmod(0o600)
    keys = read_keys(path, {})
    assert keys is not None
    assert (keys.read, keys.write) == (("a" * 48,), ("b" * 48,))


def test_short_or_odd_bytes_are_utf_8():
    for head in (b"", b"a", b"\0", b"a\0", b"a.png\0b.png\0", b"\0\0\0\0"):
        assert text_encoding(head) == "utf-8-sig"


CONTENT = bytes(range(256)) * 3 + b"?>"
PLAIN = base64.b64encode(CONTENT).decode()
BASE64 = {
    "by itself": PLAIN,
    "of Python's encodebytes": base64.encodebytes(CONTENT).decode(),
    "of openssl": "\n".join(textwrap.wrap(PLAIN, 64)) + "\n",
    "of Java's MIME encoder": "\r\n".join(textwrap.wrap(PLAIN, 76)),
    "with spaces around": f" {PLAIN} ",
    "with a mark": f"\ufeff{PLAIN}",
    "for URLs": base64.urlsafe_b64encode(CONTENT).decode(),
    "for URLs, without padding": base64.urlsafe_b64encode(CONTENT).decode().rstrip("="),
    "in a URI": f"data:image/png;base64,{PLAIN}",
    "in a URI, in capitals": f"DATA:image/png;BASE64,{PLAIN}",
    "in a URI with parameters": f"data:image/png;name=a.png;charset=utf-8;base64,{PLAIN}",
    "in a URI without a type": f"data:;base64,{PLAIN}",
    "in a URI, escaped": "data:image/png;base64,"
    + PLAIN.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D"),
    "in a URI with line ends": "data:image/png;base64," + "\r\n".join(textwrap.wrap(PLAIN, 76)),
}


@pytest.mark.parametrize("form", BASE64)
def test_base64_is_decoded_as_programs_write_it(form):
    assert decoded(BASE64[form]) == CONTENT


@pytest.mark.parametrize("data", [PLAIN[:-1], f"{PLAIN}=", "%%%", "a", PLAIN + "!", "é" * 4])
def test_what_is_not_base64_is_refused_with_what_to_send(data):
    with pytest.raises(ApiError, match="must be base64") as caught:
        decoded(data)
    assert "RFC 4648" in str(caught.value.hint)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_is_read_in_each_encoding(gallery, queries, encoding):
    data = base64.encodebytes(png(queries[0])).decode()
    body = json.dumps({"images": [{"id": "größe", "data": data}]}, ensure_ascii=False)
    with serving(gallery) as client:
        answer = client.post(
            "/v1/check",
            content=body.encode(encoding),
            headers={"Content-Type": "application/json"},
        )
    assert [row["id"] for row in answer.json()["rows"]] == ["größe"]
