"""The cost of a JSON body: it is counted before it is parsed, and the first fault ends it."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from binascii import a2b_base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from likewise.server.errors import ApiError
from likewise.server.requests import bodies, json_bodies
from likewise.server.requests.json_bodies import JsonLimits, check_counts, decoded
from likewise.server.schemas.questions import Images, Vectors
from tests.likewise.server.conftest import png

JSON = {"Content-Type": "application/json"}
DIM, MOST = 16, 2000  # of the fake's vectors; pictures in a request
TOO_MANY = 200_000  # values: more than 4096 + 2000 * (16 + 16)
NAMES = b",".join(b'"%x":0' % n for n in range(TOO_MANY // 4))  # more than 4096 + 2000 * 16

# Path, body, and what the message names.
DEAR = {
    "images, all empty": ("check", b'{"images":[' + b"{}," * TOO_MANY + b"{}]}", "values"),
    "images, all numbers": ("query", b'{"images":[' + b"1," * TOO_MANY + b"1]}", "values"),
    "vectors of texts": ("check", b'{"vectors":[[' + b'"",' * TOO_MANY + b'""]]}', "values"),
    "empty vectors": ("embed", b'{"vectors":[' + b"[]," * TOO_MANY + b"[]]}", "values"),
    "names of vectors": (
        *("check", b'{"vectors":[],"ids":[' + b'"",' * TOO_MANY + b'""]}'),
        "values",
    ),
    "unknown fields": ("check", b'{"images":[],' + NAMES + b"}", "names"),
    "unknown fields within": ("check", b'{"images":[{' + NAMES + b"}]}", "names"),
    "neither form": ("check", b'{"a":[' + b"[]," * TOO_MANY + b"[]]}", "values"),
    "brackets without end": ("check", b"[" * TOO_MANY, "values"),
    "pair": ("compare", b'{"first":{' + NAMES + b"}}", "names"),
    "references": ("references", b'{"references":[' + b"{}," * TOO_MANY + b"{}]}", "values"),
    "metadata": (
        *("references", b'{"references":[{"id":"a","label":"7","metadata":{' + NAMES + b"}}]}"),
        "names",
    ),
    "ids to remove": ("references/delete", b'{"ids":[' + b"1," * TOO_MANY + b"1]}", "values"),
    "escapes": (
        *("check", b'{"images":[{"id":"a","data":"' + b"\\u0041" * 100_000 + b'"}]}'),
        "escapes",
    ),
}


@pytest.mark.parametrize("name", DEAR)
def test_a_body_that_holds_too_much_is_refused_before_it_is_parsed(shared, name, monkeypatch):
    path, body, what = DEAR[name]
    monkeypatch.setattr(
        TypeAdapter, "validate_json", lambda *arguments: pytest.fail("it was parsed")
    )
    answer = shared.post(f"/v1/{path}", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert f"too many {what}" in answer.json()["message"]
    assert answer.json()["hint"]


def test_so_is_metadata_in_a_form(shared, queries):
    answer = shared.put(
        "/v1/references/x",
        files={"image": ("a.png", png(queries[0]))},
        data={"label": "7", "metadata": "{" + NAMES.decode() + "}"},
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("check", {"images": [{}] * 1000}, "`images.0.id` is missing."),
        ("check", {"vectors": [["a"] * DIM] * 1000}, "`vectors.0.0` must be a number."),
        ("references/delete", {"ids": [1] * 1000}, "`ids.0` must be text."),
        ("references", {"references": [{}] * 1000}, "`references.0.label` is missing."),
    ],
)
def test_the_first_fault_ends_it(shared, path, body, message, monkeypatch):
    counts: list[int] = []
    first_error = json_bodies.first_error

    def noted(error: ValidationError) -> ValidationError:
        counts.append(error.error_count())
        return error

    monkeypatch.setattr(
        json_bodies,
        "first_error",
        lambda error, name: first_error(noted(error), name),
    )
    answer = shared.post(f"/v1/{path}", json=body)
    assert answer.status_code == 422
    assert answer.json()["message"].startswith(message)
    assert max(counts) <= 2  # those of the first item


def test_a_large_body_is_parsed_in_a_thread_and_a_small_one_at_once(shared, queries, monkeypatch):
    in_loop: list[bool] = []
    form_of = bodies._form_of

    def noted(body: bytes) -> type[Images | Vectors]:
        in_loop.append(asyncio._get_running_loop() is not None)
        return form_of(body)

    monkeypatch.setattr(bodies, "_form_of", noted)
    data = b64encode(png(queries[0])).decode()
    for count in (1, 1000):
        body = {"images": [{"id": str(n), "data": data} for n in range(count)]}
        rows = shared.post("/v1/check", json=body).json()["rows"]
        assert [row["id"] for row in rows] == [str(n) for n in range(count)]
    assert in_loop == [True, False]


def test_as_much_as_a_request_may_hold_passes(client):
    vectors = np.random.default_rng(0).normal(size=(MOST, DIM)).tolist()
    ids = [f"C:\\photos, 2026\\{n}: a, b.png" for n in range(MOST)]
    answer = client.post("/v1/check", json={"vectors": vectors, "ids": ids})
    assert [row["id"] for row in answer.json()["rows"]] == ids
    metadata = {f"column {n}": n for n in range(4000)}
    reference = {"id": "a", "label": "7", "vector": vectors[0], "metadata": metadata}
    assert client.post("/v1/references", json={"references": [reference]}).status_code == 200


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


def size_of(value: object) -> tuple[int, int]:
    """How many names and values there are in JSON."""
    if isinstance(value, dict):
        sizes = [size_of(one) for one in value.values()]
        return len(value) + sum(n for n, _ in sizes), 1 + sum(v for _, v in sizes)
    if isinstance(value, list):
        sizes = [size_of(one) for one in value]
        return sum(n for n, _ in sizes), 1 + sum(v for _, v in sizes)
    return 0, 1


@given(JSON_VALUES)
def test_no_body_holds_more_than_is_counted(value):
    names, values = size_of(value)
    body = json.dumps(value).encode()
    if names > 0:
        with pytest.raises(ApiError):
            check_counts(body, JsonLimits(names - 1, 1 << 40))
    if values > 1:  # one by itself has neither a comma nor a bracket
        with pytest.raises(ApiError):
            check_counts(body, JsonLimits(1 << 40, (values - 2) // 2))


@given(st.binary(max_size=60), st.text("AQ=", max_size=6), st.integers(0, 80))
def test_base64_is_decoded_as_one_whatever_its_pieces(content, other, place):
    text = b64encode(content).decode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_bodies, "_PIECE", 8)
        assert decoded(text) == content
        altered = text[:place] + other + text[place:]
        try:
            whole = a2b_base64(altered, strict_mode=True)
        except ValueError:
            whole = None
        if whole is None or len(altered) % 4:  # Python lets one = too many pass
            with pytest.raises(ApiError, match="must be base64"):
                decoded(altered)
        else:
            assert decoded(altered) == whole
