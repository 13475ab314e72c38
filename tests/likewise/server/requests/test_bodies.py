"""Invalid bodies: each gets an error in one sentence, and none makes the server fail."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from tests.eventually import eventually
from tests.likewise.server.conftest import image, npy, png

NPY, RAW, JSON = "application/x-npy", "application/octet-stream", "application/json"
DIM = 16  # of the fake's vectors


def header(shape: str, descr: str = "|u1") -> bytes:
    """An array's header with arbitrary values, and no data."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(10 + len(text) + 1) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def part(filename: bytes) -> bytes:
    named = b'Content-Disposition: form-data; name="images"; filename="%b"' % filename
    return b"--x\r\n" + named + b"\r\n\r\nnot a picture\r\n"


def refusal(client, kind: str, content: bytes) -> tuple[int, str, str]:
    answer = client.post("/v1/check", content=content, headers={"Content-Type": kind})
    body = answer.json()
    assert set(body) == {"code", "message", "hint"}
    return answer.status_code, body["code"], body["message"]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "cannot be read"),
        (b"not an array", "cannot be read"),
        (npy(np.zeros((2, 3), np.float64)), "float64 (2, 3)"),
        (npy(np.zeros((2, 5, 5, 4), np.uint8)), "uint8 (2, 5, 5, 4)"),
        (npy(np.array([{}], object)), "cannot be read"),
        (npy(np.asfortranarray(np.zeros((3, 2, 2), np.uint8))), "C order"),
        (npy(np.zeros((2, DIM), np.float32))[:-1], "128 bytes of data, but 127 came"),
        (npy(np.zeros((2, DIM + 1), np.float32)), "(n, 16)"),
        (npy(np.full((2, DIM), np.nan, np.float32)), "finite"),
        (npy(np.zeros((0, 28, 28), np.uint8)), "no picture"),
        (npy(np.zeros((1, 0, 28), np.uint8)), "must have pixels"),
        (header(f"(1, {2**40}, {2**40})"), f"{2**80} bytes of data, but 0 came"),
        (header("(-1, 28, 28)"), "cannot be read"),
        (header("(" * 400 + ")" * 400), "cannot be read"),
        (header("(1, 28, 28)", descr="what"), "cannot be read"),
        (header("(1,)", descr="|S0"), "cannot be read"),
        (header(f"(0, {2**70})"), "cannot be read"),
        (header("(True, 0)"), "cannot be read"),
    ],
)
def test_an_array_that_does_not_fit_is_refused_with_the_reason(shared, content, part):
    status, code, message = refusal(shared, NPY, content)
    assert (status, code) == (422, "invalid")
    assert part in message


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "must be JSON"),
        (b"{", "must be JSON"),
        (b"[" * 50_000, "must be JSON"),
        (b'{"images": []}', "no picture"),
        (b'{"images": [{"id": "a"}]}', "data"),
        (b'{"images": [{"id": "a", "data": "%%%"}]}', "base64"),
        (b'{"images": [{"id": "a", "data": "data:image/png,abc"}]}', "base64"),
        (b'{"images": [{"id": "a", "data": "", "url": "http://x/"}]}', "images.0.url` is neither"),
        (b'{"images": [{"id": "\xff", "data": ""}]}', "must be JSON"),
        (b'{"vectors": [[1, 2]]}', "16 numbers"),
        (json.dumps({"vectors": [[0] * DIM], "ids": ["a", "b"]}).encode(), "name each of 1"),
        (json.dumps({"vectors": [[float("nan")] * DIM]}).encode(), "finite"),
        (json.dumps({"vectors": [[1e300] * DIM]}).encode(), "finite"),
        (json.dumps({"vectors": [["x"] * DIM]}).encode(), "must be a number"),
    ],
)
def test_json_that_does_not_fit_is_refused_with_the_reason(shared, content, part):
    status, code, message = refusal(shared, JSON, content)
    assert (status, code) == (422, "invalid")
    assert part in message


@pytest.mark.parametrize("content", [b"[]", b"null", b"3", b'"images"', b'["images"]'])
def test_a_body_that_is_not_an_object_is_reported_as_the_body(shared, content):
    for path in ("check", "query", "embed", "compare", "references", "references/delete"):
        answer = shared.post(f"/v1/{path}", content=content, headers={"Content-Type": JSON})
        assert answer.status_code == 422
        assert answer.json()["message"] == "`body` must be an object."


@pytest.mark.parametrize(
    ("content", "received"),
    [
        (b"{}", "neither"),
        (b'{"pictures": ["images"], "of": "vectors"}', "neither"),
        (b'{"images": [], "vectors": []}', "both"),
    ],
)
def test_a_body_holds_either_pictures_or_vectors(shared, content, received):
    message = f"The body must hold either `images` or `vectors`. Received: {received}."
    assert refusal(shared, JSON, content) == (422, "invalid", message)


def test_a_field_is_reported_by_its_own_name_whatever_else_the_body_holds(shared):
    twice = b'{"images": [{"id": "vectors", "data": 3}], "ids": ["vectors"]}'
    for content in (twice, b'{"images": [{"id": "vectors", "data": 3}]}'):
        assert refusal(shared, JSON, content)[2] == "`images.0.data` must be text."
    escaped = b'{"im\\u0061ges": [3]}'
    assert refusal(shared, JSON, escaped)[2] == "`images.0` must be an object."


def test_raw_vectors_must_be_whole_and_finite(shared):
    assert "64 bytes each, but there are 65" in refusal(shared, RAW, b"\0" * 65)[2]
    assert "no picture" in refusal(shared, RAW, b"")[2]
    assert "finite" in refusal(shared, RAW, np.full(DIM, np.inf, "<f4").tobytes())[2]


@pytest.mark.parametrize(
    ("kind", "content", "part"),
    [
        ("multipart/form-data", b"", "boundary"),
        (f"multipart/form-data; boundary=x{';a=b' * 300}", b"--x--\r\n", "at most 1000 char"),
        ("multipart/form-data; boundary=x", b"no form", "cannot be read"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n--x--\r\n", "cannot be read"),
        ("multipart/form-data; boundary=x", b"--x--\r\n", "no picture"),
        (f"multipart/form-data; boundary={'x' * 300}", b"--x--\r\n", "cannot be read"),
        ("multipart/form-data; boundary=x", part(b"a.png") + b"--x", "truncated"),
        ("multipart/form-data; boundary=x", part(b"a.png")[:-2], "truncated"),
        ("multipart/form-data; boundary=x", part(b"\xff.png"), "`filename` must be UTF-8"),
    ],
)
def test_a_damaged_form_is_refused_with_the_reason(shared, kind, content, part):
    status, code, message = refusal(shared, kind, content)
    assert (status, code) == (422, "invalid")
    assert part in message.lower() or part in message


@pytest.mark.parametrize(
    ("encoded", "id"),
    [
        (b"filename*=utf-8''%E2%82%AC%201.png", "€ 1.png"),  # as urllib3 1 has it
        (b"filename*=\"UTF-8'en'%c3%bc.png\"", "ü.png"),
        (b"filename*=utf-8''a.png; filename=\"b.png\"", "b.png"),
    ],
)
def test_a_file_name_beyond_ascii_may_be_percent_encoded(shared, queries, encoded, id):
    named = b"Content-Disposition: form-data; name=images; " + encoded
    form = b"--x\r\n" + named + b"\r\n\r\n" + png(queries[0]) + b"\r\n--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = shared.post("/v1/check", content=form, headers=kind)
    assert [row["id"] for row in answer.json()["rows"]] == [id]


@pytest.mark.parametrize("path", ["check", "compare", "jobs/check"])
def test_a_part_without_a_file_name_is_told_that_it_must_be_a_file(shared, path):
    field = "first" if path == "compare" else "images"
    form = f'--x\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n7\r\n--x--\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = shared.post(f"/v1/{path}", content=form.encode(), headers=kind)
    expected = f"The field `{field}` must hold a file: give its part a filename."
    assert (answer.status_code, answer.json()["message"]) == (422, expected)


@pytest.mark.parametrize("number", ["true", '"1"', "null", "[1]"])
def test_numbers_in_json_must_be_numbers(shared, number):
    kind = {"Content-Type": "application/json"}
    vector = ", ".join([number] * DIM)
    answer = shared.post("/v1/check", content=f'{{"vectors": [[{vector}]]}}', headers=kind)
    assert answer.status_code == 422
    assert answer.json()["message"] == "`vectors.0.0` must be a number."


@pytest.mark.parametrize("charset", ["undefined", "utf-7", "latin-1", "x" * 200])
def test_a_form_in_another_encoding_is_refused(shared, charset):
    for path in ("check", "compare", "references", "jobs/check"):
        answer = shared.post(
            f"/v1/{path}",
            content=b"--x--\r\n",
            headers={"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"},
        )
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
        assert answer.json()["message"] == f"A form must be in UTF-8. Received: {charset[:100]}."


def test_a_form_may_say_that_it_is_in_utf_8(shared, queries):
    asked = shared.build_request("POST", "/v1/check", files={"images": ("ä.png", png(queries[0]))})
    asked.headers["Content-Type"] += '; charset="UTF-8"'
    assert shared.send(asked).json()["rows"][0]["id"] == "ä.png"


def test_a_form_with_other_fields_is_refused_with_the_fields_it_must_have(shared, queries):
    answer = shared.post("/v1/check", files={"picture": ("a.png", png(queries[0]))})
    assert answer.json()["message"] == (
        "A form here may have these fields: images (files), boxes. Received: picture."
    )
    assert shared.post("/v1/check", data={"images": "text"}, files={}).status_code == 415


def test_other_kinds_of_bodies_are_not_guessed(shared, queries):
    assert refusal(shared, "text/plain", b"hello")[:2] == (415, "unsupported_media_type")
    assert shared.post("/v1/check", content=b"x").json()["code"] == "unsupported_media_type"
    packed = image(queries[0])
    packed["headers"]["Content-Encoding"] = "gzip"
    assert shared.post("/v1/check", **packed).status_code == 415


def test_an_address_or_a_path_in_place_of_a_picture_is_only_a_bad_picture(shared):
    data = base64.b64encode(b"/etc/passwd").decode()
    answer = shared.post("/v1/check", json={"images": [{"id": "a", "data": data}]})
    assert answer.json()["code"] == "not_an_image"


WHOLE_TO_PYTHON_ALONE = ("x", "", "1_0", "%2B5", "%205", "5.0", "%D9%A5")  # the last is an Arabic 5


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("k=0", "`k` must be 1 or more."),
        ("k=101", "`k` must be 100 or less."),
        *((f"k={text}", "`k` must be a whole number.") for text in WHOLE_TO_PYTHON_ALONE),
        *((f"threshold={text}", "`threshold` must be a number.") for text in ("1_0", "%2B5", "")),
        ("id=", "`id` must not be empty."),
        ("at=", "`at` must not be empty."),
        ("neighbours=5", "`neighbours` is neither an option nor a field of this request."),
        ("k=1&k=2", "twice"),
        ("threshold=-1", "`threshold` must be 0 or more."),
        ("threshold=nan", "`threshold` must be a finite number."),
        ("threshold=1&at=eer", "not both"),
        ("at=nowhere", "eer. Received: nowhere"),
        ("group=none", "`group`"),
        ("id=%FF", "UTF-8"),
        ("nonsense", "name=value"),
    ],
)
def test_an_option_that_does_not_fit_is_refused_with_the_reason(shared, queries, query, part):
    answer = shared.post(f"/v1/check?{query}", **image(queries[0]))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert part in answer.json()["message"]


@pytest.mark.parametrize("path", ["/v1/references?limit=1_0", "/v1/groups?samples=%2B5"])
def test_every_number_of_a_query_string_is_plain(shared, path):
    answer = shared.get(path)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["message"].endswith("must be a whole number.")


@pytest.mark.parametrize("text", ["0.5", ".5", "5e-1", "5"])
def test_decimals_are_taken_as_programs_write_them(shared, queries, text):
    assert shared.post(f"/v1/check?threshold={text}", **image(queries[0])).status_code == 200


@pytest.mark.parametrize("path", ["check", "query", "embed", "gallery/map"])
@pytest.mark.parametrize("option", ["id=x", "box=1,2,3,4"])
def test_an_option_for_a_picture_is_refused_beside_another_body(shared, queries, path, option):
    eventually(
        lambda: shared.get("/v1/gallery/map").status_code, until=lambda status: status == 200
    )
    data = base64.b64encode(png(queries[0])).decode()
    bodies: list[dict[str, Any]] = [
        {"json": {"images": [{"id": "a", "data": data}]}},
        {"files": {"images": ("a.png", png(queries[0]))}},
        {"content": np.zeros(DIM, "<f4").tobytes(), "headers": {"Content-Type": RAW}},
    ]
    for body in bodies:
        assert shared.post(f"/v1/{path}", **body).status_code == 200
        answer = shared.post(f"/v1/{path}?{option}", **body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert answer.json()["message"] == (
            f"`{option.partition('=')[0]}` is for a picture that is the whole body."
        )


def test_evidence_needs_a_calibration(shared, queries):
    answer = shared.post("/v1/check?evidence=true", **image(queries[0]))
    assert (answer.status_code, answer.json()["code"]) == (409, "not_calibrated")


def test_vectors_of_another_model_are_refused_by_its_fingerprint(shared, matcher):
    headers = {"Content-Type": RAW, "X-Likewise-Fingerprint": "0123456789ab"}
    vector = np.zeros(DIM, "<f4").tobytes()
    answer = shared.post("/v1/check", content=vector, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "fingerprint_mismatch")
    headers["X-Likewise-Fingerprint"] = matcher.gallery.fingerprint
    assert shared.post("/v1/check", content=vector, headers=headers).status_code == 200


def test_an_empty_gallery_has_nothing_to_compare_with(tmp_path, fake, queries):
    from likewise.matcher import Matcher
    from tests.likewise.server.conftest import serving

    Matcher.create(tmp_path / "empty.gallery", fake).close()
    with serving(tmp_path / "empty.gallery") as client:
        answer = client.post("/v1/check", **image(queries[0]))
        assert (answer.status_code, answer.json()["code"]) == (409, "empty_gallery")
        assert client.post("/v1/embed", **image(queries[0])).status_code == 200
        assert client.get("/v1/gallery").json()["references"] == 0
        assert client.get("/v1/groups").json() == {"groups": []}
