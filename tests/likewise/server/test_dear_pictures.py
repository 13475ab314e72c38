"""Pictures that are expensive to decode are refused, and other requests do not wait for them."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from likewise.matcher import Matcher
from likewise.output.rows import decision_row
from likewise.server.settings import Settings
from tests.embedder.bombs import encoded, repeated_scans
from tests.eventually import eventually
from tests.likewise.server.conftest import image, npy, png, serving

BOMB = repeated_scans(1024, 10_000)  # 130 KB that take any processor seconds
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n{} loop\n%%EOF\n"
TGA = encoded(Image.new("L", (40, 40)), "TGA")
JPEG_2000 = encoded(Image.new("L", (40, 40)), "JPEG2000")
BRIEF = Settings(decode_timeout=0.2)


def as_json(content: bytes) -> str:
    return base64.b64encode(content).decode()


WAYS: dict[str, Callable[[bytes, bytes], tuple[str, str, dict[str, Any]]]] = {
    "check": lambda bad, good: (
        *("POST", "/v1/check"),
        {"content": bad, "headers": {"Content-Type": "image/x"}},
    ),
    "query, as a form": lambda bad, good: ("POST", "/v1/query", {"files": {"images": ("a", bad)}}),
    "check, as JSON": lambda bad, good: (
        *("POST", "/v1/check"),
        {"json": {"images": [{"id": "a", "data": as_json(bad)}]}},
    ),
    "enrol": lambda bad, good: (
        *("PUT", "/v1/references/x?label=7"),
        {"content": bad, "headers": {"Content-Type": "image/x"}},
    ),
    "enrol, as JSON": lambda bad, good: (
        *("PUT", "/v1/references/x"),
        {"json": {"label": "7", "data": as_json(bad)}},
    ),
    "compare": lambda bad, good: (
        *("POST", "/v1/compare"),
        {"files": {"first": ("a", good), "second": ("b", bad)}},
    ),
    "compare, as JSON": lambda bad, good: (
        *("POST", "/v1/compare"),
        {"json": {"first": {"data": as_json(bad)}, "second": {"data": as_json(good)}}},
    ),
}


@pytest.fixture(scope="module")
def brief(tmp_path_factory, built):
    """A client of a server whose decoders have little time."""
    from embedder.model import Embedder
    from tests.fakes import FakeEmbedder

    with pytest.MonkeyPatch.context() as patch:
        fake = FakeEmbedder(tmp_path_factory.mktemp("fake"))
        patch.setattr(Embedder, "load", lambda path=None, *, threads=None: fake)
        with serving(built, BRIEF) as client:
            yield client


@pytest.mark.costly
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("content", "status", "code", "reason"),
    [
        (BOMB, 422, "not_an_image", "more than 0.2 s of a processor"),
        (b"\xef\xbb\xbf\n" + BOMB, 422, "not_an_image", "more than 0.2 s of a processor"),
        (EPS, 415, "unsupported_media_type", "EPS describes how to draw"),
        (b"\xef\xbb\xbf" + EPS, 415, "unsupported_media_type", "EPS describes how to draw"),
        (TGA, 415, "unsupported_media_type", "TGA is not read over HTTP"),
        (JPEG_2000, 415, "unsupported_media_type", "JPEG2000 is not read over HTTP"),
    ],
    ids=["bomb", "bomb behind a mark", "EPS", "EPS behind a mark", "TGA", "JPEG 2000"],
)
def test_it_is_refused_whichever_way_it_comes(brief, queries, way, content, status, code, reason):
    method, path, sent = WAYS[way](content, png(queries[0]))
    answer = brief.request(method, path, **sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert reason in answer.json()["message"]
    assert answer.json()["hint"] == "Save it again as PNG or JPEG."


def test_among_others_it_is_a_row_that_says_why(brief, queries):
    names = {"bomb": BOMB, "a": png(queries[0]), "eps": EPS, "b": png(queries[1])}
    rows = brief.post("/v1/check", files=[("images", item) for item in names.items()]).json()[
        "rows"
    ]
    assert [row["id"] for row in rows] == list(names)
    assert [row["decision"] == "error" for row in rows] == [True, False, True, False]
    added = brief.post(
        "/v1/references", files=[("images", ("bomb", BOMB))], data={"label": "7"}
    ).json()
    assert [item["id"] for item in added["unreadable"]] == ["bomb"]


def test_what_is_not_a_picture_is_named_for_what_it_is(brief, queries):
    files = [("images", ("a.png", base64.b64encode(png(queries[0]))))]
    message = brief.post("/v1/check", files=files).json()["message"]
    assert "a picture as base64 text, which is not read: decode it" in message


@pytest.mark.parametrize("lead", [b"\xef\xbb\xbf", b"\r\n\n"], ids=["mark", "line ends"])
def test_a_picture_behind_what_a_script_wrote_is_answered_as_without(brief, queries, lead):
    content = {"plain": png(queries[0]), "behind": lead + png(queries[0])}
    rows = brief.post("/v1/check", files=[("images", item) for item in content.items()]).json()
    plain, behind = rows["rows"]
    assert plain | {"id": "behind"} == behind


@pytest.mark.costly
@pytest.mark.parametrize("count", [1, 4])
def test_nobody_else_waits_for_it(gallery, queries, count):
    form = [("images", (f"{n}.jpg", BOMB)) for n in range(count)]
    with (
        serving(gallery, Settings(decode_timeout=2.0, timeout=600)) as client,
        httpx.Client(base_url=client.base_url, timeout=60) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        asked = pool.submit(other.post, "/v1/check", files=form)
        eventually(lambda: threads_of("decoder"))
        for record in queries[:10]:
            assert client.post("/v1/check", **image(record)).status_code == 200
            assert client.get("/readyz").status_code == 200
        assert not asked.done()  # it has its seconds, and ours came in between
        assert asked.result().status_code == (422 if count == 1 else 200)


def threads_of(name: str) -> list[str]:
    return [item.name for item in threading.enumerate() if item.name.startswith(name)]


@pytest.mark.parametrize(
    "turned",
    [
        lambda pixels: 255 - pixels,
        lambda pixels: np.repeat(pixels[..., None], 3, axis=2),
        lambda pixels: np.pad(pixels, 9),
        lambda pixels: np.kron(255 - pixels, np.ones((12, 12), np.uint8)),
    ],
    ids=["drawn", "in colours", "larger", "large and drawn"],
)
def test_pictures_of_another_form_than_the_networks_get_the_answers_of_the_command_line(
    shared, built, fake, queries, turned
):
    pixels = [turned(record.pixels()) for record in queries[:6]]
    files = [
        ("images", (str(n), encoded(Image.fromarray(item), "PNG"))) for n, item in enumerate(pixels)
    ]
    headers = {"Content-Type": "application/x-npy"}
    with Matcher.open(built) as matcher:
        expected = [decision_row(str(n), item) for n, item in enumerate(matcher.check(pixels))]
    assert shared.post("/v1/check", files=files).json()["rows"] == expected
    array = shared.post("/v1/check", content=npy(np.stack(pixels)), headers=headers)
    assert array.json()["rows"] == expected
