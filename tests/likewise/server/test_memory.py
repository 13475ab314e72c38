"""The memory of a request is freed with its answer, not at the next garbage collection.

Bodies are large and collections rare, so what lies in a cycle adds up.
"""

from __future__ import annotations

import gc
from collections import Counter

import pytest

from likewise.server.answering.pictures import Pictures
from likewise.server.requests.forms import File
from likewise.server.requests.references import Upload
from tests.likewise.server.conftest import image, png

HOLDING = (Pictures, File, Upload)  # the bytes of pictures
PNG = {"Content-Type": "image/png"}
SMALL, LARGE = (
    b"no picture",
    b"no picture" * 10_000,
)  # read by the thread that embeds, and prepared before
CUT = b'--x\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\nno picture\r\n--x'


def kept() -> Counter[str]:
    return Counter(type(item).__name__ for item in gc.get_objects() if isinstance(item, HOLDING))


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("check", {"content": SMALL, "headers": PNG}, 422),
        ("check", {"content": LARGE, "headers": PNG}, 422),
        ("check", {"files": [("images", ("a.png", SMALL)), ("images", ("b.png", LARGE))]}, 200),
        ("check", {"files": {"images": ("a.png", SMALL)}}, 422),
        ("check", {"files": {"other": ("a.png", SMALL)}}, 422),
        (
            "check",
            {"content": CUT, "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
            422,
        ),
        ("compare", {"files": {"first": ("a", SMALL), "second": ("b", SMALL)}}, 422),
        ("references", {"files": {"images": ("a", SMALL)}, "data": {"label": "7"}}, 200),
        ("jobs/check", {"files": {"other": ("a.png", SMALL)}}, 422),
    ],
)
def test_a_refused_request_leaves_nothing_for_the_collector(client, path, sent, status):
    answered(client, path, sent, status)


def test_an_answered_request_leaves_nothing_for_the_collector(client, queries):
    picture = png(queries[0])
    answered(client, "check", image(queries[0]), 200)
    answered(client, "check", {"files": {"images": ("a.png", picture)}}, 200)
    answered(client, "compare", {"files": {"first": ("a", picture), "second": ("b", picture)}}, 200)
    answered(
        client, "references", {"files": {"images": ("a", picture)}, "data": {"label": "7"}}, 200
    )


def answered(client, path, sent, status) -> None:
    """Send some of the same and hold what is left against what was there before."""
    client.post(f"/v1/{path}", **sent)
    gc.collect()
    gc.disable()
    try:
        before = kept()
        for _ in range(10):
            assert client.post(f"/v1/{path}", **sent).status_code == status
        more = kept() - before
    finally:
        gc.enable()
    assert more.total() <= len(HOLDING), more  # the connection knows its latest request
