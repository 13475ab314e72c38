"""Randomly damaged bodies of every form: each is answered, and none makes the server fail.

Pictures alone are damaged in `test_trust`; what schemathesis sends is whole in itself.
"""

from __future__ import annotations

import io
import json
import random
import zipfile
from base64 import b64encode
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from tests.likewise.server.conftest import npy, png

DIM = 16  # of the fake's vectors
JSON, NPY, FORM = "application/json", "application/x-npy", "multipart/form-data; boundary=x"

# What parsers branch on, beside single bytes.
TOKENS = [
    *(b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\\ud800", b"\r\n", b'"', b"'", b"\\"),
    *(b"NaN", b"1e39", b"1e999", b"-1", b"0", b"9" * 5000, b"null", b"true", b"[]", b"{}"),
    *(b"[" * 1000, b'{"a":' * 1000, b"|S0", b"|V0", b">f4", b"|O", b"<U0", b"True", b"(0,"),
    *(b"9999999999999999999999,", b"charset=", b"undefined", b"utf-7", b"+2AA-", b"idna", b"--x"),
    *(b"filename*=utf-8''%ff", b"name=", b";", b",", b"=", b"%", b"%00", b"%ff", b"&", b"../"),
    *(b"data:image/png;base64,", b"images", b"vectors", b"label", b"metadata", b"path", b"PK\3\4"),
]


def zipped(picture: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("7/a.png", picture)
    return buffer.getvalue()


def form(*fields: tuple[str, bytes]) -> bytes:
    """A form; a field that is named with a file's name holds that file."""
    parts = []
    for name, value in fields:
        field, _, file = name.partition("/")
        more = f'; filename="{file}"' if file else ""
        parts.append(b'--x\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n'
                     % (field.encode(), more.encode(), value))  # fmt: skip
    return b"".join(parts) + b"--x--\r\n"


def whole(picture: bytes) -> list[tuple[str, str, str, bytes]]:
    """Method, path, type and body of requests that are answered."""
    data, vector = b64encode(picture).decode(), [0.25] * DIM
    asked = [
        (JSON, json.dumps({"images": [{"id": "a", "data": data}]}).encode()),
        (JSON, json.dumps({"vectors": [vector], "ids": ["a"]}).encode()),
        (NPY, npy(np.zeros((2, 28, 28), np.uint8))),
        (NPY, npy(np.zeros((2, DIM), np.float32))),
        ("application/octet-stream", np.array(vector, np.float32).tobytes()),
        ("image/png", picture),
        (FORM, form(("images/a.png", picture), ("images/b.png", picture))),
    ]
    put = [
        (JSON, json.dumps({"label": "7", "data": data, "metadata": {"a": [1, {}]}}).encode()),
        (JSON, json.dumps({"label": "7", "vector": vector}).encode()),
        ("image/png", picture),
        (FORM, form(("image/a.png", picture), ("label", b"7"), ("metadata", b'{"a": 2.5}'))),
    ]
    upsert = [
        (JSON, json.dumps({"references": [{"id": "q", "label": "7", "data": data}]}).encode()),
        (FORM, form(("images/a.png", picture), ("label", b"7"))),
    ]
    compare = [
        (JSON, json.dumps({"first": {"data": data}, "second": {"data": data}}).encode()),
        (FORM, form(("first/a.png", picture), ("second/b.png", picture))),
    ]
    jobs = [
        ("application/zip", zipped(picture)),
        ("text/csv", b"label," + b",".join(b"pixel%d" % i for i in range(784)) + b"\n"),
        (FORM, form(("images/a.png", picture), ("images/b.png", picture))),
        (FORM, form(("images/a.zip", zipped(picture)))),
    ]
    routes = {
        "POST /v1/check?k=3&threshold=0.5": asked,
        "POST /v1/query?k=2": asked,
        "POST /v1/embed": asked,
        "POST /v1/compare": compare,
        "PUT /v1/references/a/b.png?label=7": put,
        "POST /v1/references": upsert,
        "POST /v1/references/delete": [(JSON, b'{"ids": ["q", "a.png"]}')],
        "POST /v1/jobs/check?name=a": jobs,
        "GET /v1/references?limit=3&after=1&label=7": [("", b"")],
        "GET /v1/references/a/b.png?vector=true": [("", b"")],
        "GET /v1/groups": [("", b"")],
    }
    known = []
    for route, bodies in routes.items():
        method, _, path = route.partition(" ")
        known += [(method, path, kind, body) for kind, body in bodies]
    return known


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The same with up to eight edits, or none."""
    edited = bytearray(content)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 8))):
        place = chance.randrange(len(edited) + 1)
        token = chance.choice(TOKENS)
        cut = chance.choice((0, 0, 1, 4, 16, len(token)))
        edited[place : place + cut] = chance.choice((token, token, bytes([chance.randrange(256)])))
    return bytes(edited)


def requests(url: httpx.URL, picture: bytes, number: int) -> Iterator[httpx.Request]:
    chance, known = random.Random(1), whole(picture)
    for _ in range(number):
        method, path, kind, body = chance.choice(known)
        raw, named = path.encode(), kind.encode()
        if chance.random() < 0.2:  # HTTP itself forbids the rest
            raw = b"/v1/" + bytes(x for x in damaged(raw[4:], chance) if 33 <= x < 127 and x != 35)
        if chance.random() < 0.2:
            named = bytes(x for x in damaged(named, chance) if 32 < x < 127)
        yield httpx.Request(
            method, url.copy_with(raw_path=raw), content=damaged(body, chance) if body else b"",
            headers=[(b"content-type", named)] if kind else [],
        )  # fmt: skip


@pytest.mark.parametrize(
    "number",
    [pytest.param(4_000, marks=pytest.mark.slow), pytest.param(200_000, marks=pytest.mark.soak)],
)
@pytest.mark.timeout(7200)
def test_a_damaged_request_is_answered_and_never_a_failure(client, queries, number):
    answered = dict.fromkeys(("2", "4", "5"), 0)
    for request in requests(client.base_url, png(queries[0]), number):
        answer = client.send(request)
        answered[str(answer.status_code)[0]] += 1
        assert answer.status_code < 500, (request.method, request.url, request.read(), answer.text)
        if answer.status_code >= 400:
            assert set(answer.json()) == {"code", "message", "hint"}
    assert min(answered["2"], answered["4"]) > number / 10
