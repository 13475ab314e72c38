"""Every error has the same shape, those of the framework and of HTTP included."""

from __future__ import annotations

import json
import socket

import pytest

from index.errors import (
    BusyError,
    PartMissingError,
    ReadOnlyError,
    ReplacedError,
    StoreError,
    UnfitError,
)
from likewise.server.errors import STATUS, ApiError, as_api_error
from likewise.server.gate import HEADERS
from tests.likewise.server.conftest import image, serving
from tests.likewise.server.processes import ROOT


def error_of(answer) -> tuple[int, str]:
    body = answer.json()
    assert list(body) == ["code", "message", "hint"]
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, body["code"]


@pytest.mark.parametrize(
    "path", ["/nothing", "/v1", "/v1/", "/v1/check/", "/page/../app.py", "/page/"]
)
def test_an_unknown_path_is_not_found(shared, path):
    assert error_of(shared.get(path)) == (404, "not_found")


@pytest.mark.parametrize(
    "name",
    ["..%2Fapp.py", "%2e%2e%2fapp.py", "%2Fetc%2Fpasswd", "a%00b", "a" * 256, "%C3%A4" * 5000],
    ids=["up", "encoded", "absolute", "nul", "longer-than-a-file-name", "longer-than-a-path"],
)
def test_no_file_but_the_pages_is_given(shared, name):
    assert error_of(shared.get(f"/page/{name}")) == (404, "not_found")


@pytest.mark.parametrize("method", ["GET", "PATCH", "OPTIONS", "TRACE", "NONSENSE"])
def test_a_method_that_a_path_does_not_take_is_refused_with_those_it_takes(shared, method):
    answer = shared.request(method, "/v1/check")
    if method == "NONSENSE":  # which the parser of HTTP does not know
        assert error_of(answer) == (501, "unknown_method")
        assert answer.json()["message"] == "This server knows no method NONSENSE."
        return
    assert error_of(answer) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


def test_head_is_get_without_a_body(shared):
    answer, got = shared.head("/v1/gallery"), shared.get("/v1/gallery")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == got.headers["content-length"]
    assert shared.head("/v1/references/none").status_code == 404


def test_every_answer_has_the_headers_of_all(shared, queries):
    for answer in (shared.get("/v1/gallery"), shared.get("/nothing"), shared.get("/healthz")):
        for name, value in HEADERS:
            assert answer.headers[name.decode()] == value.decode()


def test_a_request_keeps_a_plain_id_and_gets_one_otherwise(shared):
    def id_of(given: str | None) -> str:
        headers = {} if given is None else {"X-Request-ID": given}
        return shared.get("/healthz", headers=headers).headers["x-request-id"]

    assert id_of("my-own.17") == "my-own.17"
    assert len({id_of(None), id_of(None), id_of("x" * 65), id_of("a b")}) == 4


def raw(shared, request: bytes) -> bytes:
    """What a server sends for bytes that no client would send."""
    url = shared.base_url
    with socket.create_connection((url.host, url.port), timeout=60) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"POST /v1/check HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/check HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"POST /v1/check HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_not_http_is_answered_in_the_same_shape(shared, request_):
    answer = raw(shared, request_)
    assert answer.startswith(b"HTTP/1.1 4")
    assert b'{"code": "invalid", "message": "' in answer
    assert b"openapi" not in answer  # which would not help


@pytest.mark.parametrize("size", [70_000, 5_000_000])
def test_headers_without_end_are_not_kept_and_the_answer_arrives(shared, size):
    head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: "
    answer = raw(shared, head + b"x" * size)
    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b'{"code": "headers_too_large", "message": "' in answer
    fits = head + b"x" * 30_000 + b"\r\nConnection: close\r\n\r\n"
    assert raw(shared, fits).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("size", [40_000, 100_000, 5_000_000])
def test_an_address_that_is_too_long_is_told_so(shared, size):
    head = b"GET /v1/references/%b HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"x" * size)
    answer = raw(shared, head)
    assert answer.startswith(b"HTTP/1.1 414 ")
    assert b'"hint": "Send what is long in the body."' in answer


@pytest.mark.parametrize("id", ["%ff", "%fe", "a%C3.png", "%ed%a0%80"])
@pytest.mark.parametrize("path", ["references", "pictures"])
def test_an_id_that_is_not_utf8_is_refused_as_others_would_be_the_same_one(shared, path, id):
    answer = shared.get(f"/v1/{path}/{id}")
    assert error_of(answer) == (422, "invalid")
    assert answer.json()["message"] == "The path holds percent-encoded bytes that are not UTF-8."


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("label=%ff", "The query string must be name=value pairs of percent-encoded UTF-8."),
        ("label=3&label=4", "An option must not be given twice."),
        ("label", "The query string must be name=value pairs of percent-encoded UTF-8."),
    ],
)
def test_an_option_that_could_be_read_two_ways_is_refused_on_every_path(
    shared, queries, query, message
):
    answers = [
        shared.put(f"/v1/references/x?{query}", **image(queries[0])),
        shared.get(f"/v1/references?{query}"),
        shared.post(f"/v1/jobs/check?{query}"),
    ]
    for answer in answers:
        assert error_of(answer) == (422, "invalid")
        assert answer.json()["message"] == message


def test_bytes_of_a_path_that_are_not_even_encoded_are_refused(shared):
    answer = raw(shared, b"GET /v1/references/\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"Encode them: as UTF-8" in answer


def test_a_failure_tells_nothing_of_the_inside(gallery, fake, queries, monkeypatch):
    lines: list[str] = []
    monkeypatch.setattr("index.gallery.Gallery.decide", lambda *args: 1 / 0)
    monkeypatch.setattr("index.gallery.Gallery.group_page", lambda *_, **__: 1 / 0)
    with serving(gallery, tell=lines.append) as client:
        answers = [client.post("/v1/check", **image(queries[0])), client.get("/v1/groups")]
    for answer in answers:
        assert error_of(answer) == (500, "internal")
        assert "division" not in answer.text
        id = answer.headers["x-request-id"]
        [line] = [line for line in lines if id in line]
        assert "ZeroDivisionError" in json.loads(line)["error"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ReadOnlyError, 409, "read_only"),
        (BusyError, 503, "not_ready"),
        (ReplacedError, 503, "not_ready"),
        (PartMissingError, 503, "not_ready"),
        (StoreError, 500, "internal"),
    ],
)
def test_what_is_wrong_with_the_store_is_reported_by_its_kind_and_not_by_its_words(
    error, status, code
):
    output = as_api_error(error("Another process's file is no longer the file: read-only."))
    assert (output.status_code, output.code) == (status, code)
    assert (
        "file is no longer" not in output.message
    )  # names of files are none of a client's concern


def test_a_text_that_the_database_cannot_store_is_put_down_to_the_request():
    output = as_api_error(UnfitError("index row size 3016 exceeds btree version 4 maximum 2704"))
    assert (output.status_code, output.code) == (422, "invalid")
    assert "cannot store an id or a label" in output.message
    assert "btree" not in output.message + output.hint


@pytest.mark.parametrize("code", STATUS)
def test_the_documentation_lists_every_code_beside_its_status(code):
    text = (ROOT / "docs/api.md").read_text()
    table = text.split("| status | code |")[1].split("\n\n")[0]
    rows = [row for row in table.splitlines() if f"`{code}`" in row]
    assert [row for row in rows if str(STATUS[code]) in row.split("|")[1]], rows


@pytest.mark.parametrize("code", STATUS)
def test_every_error_says_what_to_do(code):
    def hint(error: ApiError) -> str:
        return str(json.loads(bytes(error.response().body))["hint"])

    assert hint(ApiError(code, "It is so.")).endswith(".")
    assert hint(ApiError(code, "It is so.", "Do so.")) == "Do so."


@pytest.mark.parametrize(("range", "status"), [("bytes=9-2", 400), ("bytes=99999999-", 416)])
def test_a_range_that_a_file_has_not_is_an_error_like_all_others(shared, range, status):
    answer = shared.get("/", headers={"Range": range})
    assert (answer.status_code, answer.json()["code"]) == (status, "invalid")
    assert set(answer.json()) == {"code", "message", "hint"}
    assert ("content-range" in answer.headers) == (status == 416)
    part = shared.get("/", headers={"Range": "bytes=0-8"})
    assert (part.status_code, part.text) == (206, "<!doctype")
