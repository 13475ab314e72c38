"""A gallery that is moved, removed or replaced while it is served: refused until it is back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.likewise.server.conftest import image, png


def answers(client, queries) -> dict[str, tuple[int, str | None]]:
    """Status and code of one request of each kind."""
    pair = {"first": ("a.png", png(queries[0])), "second": ("b.png", png(queries[1]))}
    output = {
        "readyz": client.get("/readyz"),
        "check": client.post("/v1/check?k=1", **image(queries[0])),
        "query": client.post("/v1/query?k=1", **image(queries[0])),
        "embed": client.post("/v1/embed", **image(queries[0])),
        "compare": client.post("/v1/compare", files=pair),
        "gallery": client.get("/v1/gallery"),
        "groups": client.get("/v1/groups"),
        "list": client.get("/v1/references?limit=1"),
        "put": client.put("/v1/references/new?label=7", **image(queries[0])),
        "remove": client.delete("/v1/references/new"),
        "job": client.post("/v1/jobs/check?threshold=1", files={"images": pair["first"]}),
    }
    return {name: (item.status_code, item.json().get("code")) for name, item in output.items()}


def removed(gallery: Path, built: Path) -> None:
    shutil.rmtree(gallery)


def replaced(gallery: Path, built: Path) -> None:
    gallery.rename(gallery.with_name("old.gallery"))
    shutil.copytree(built, gallery)


def put_back_in_its_own_place(gallery: Path, built: Path) -> None:
    kept = shutil.copytree(gallery, gallery.with_name("kept.gallery"))
    shutil.rmtree(gallery)
    kept.rename(gallery)


DERIVED = ("/v1/gallery/map", "/v1/gallery/distances")  # computed once, then kept


@pytest.mark.parametrize("lost", [removed, replaced, put_back_in_its_own_place])
def test_nothing_is_answered_from_a_gallery_that_is_not_there_any_more(
    client, gallery, built, queries, lost
):
    client.put("/v1/references/before?label=7", **image(queries[0]))
    eventually(lambda: {client.get(path).status_code for path in DERIVED}, until={200}.__eq__)
    lost(gallery, built)
    output = answers(client, queries)
    for path in (*DERIVED, "/v1/references/before", "/v1/pictures/before"):
        answer = client.get(path)
        output[path] = (answer.status_code, answer.json().get("code"))
    assert output == dict.fromkeys(output, (503, "not_ready"))
    body = client.get("/readyz").json()
    message = "The gallery was moved, removed or replaced while the server was running."
    assert body["message"] == message
    assert body["hint"] == "Restart the server, or put the gallery back if it was moved."


def test_those_who_watch_are_answered_nevertheless(client, gallery):
    shutil.rmtree(gallery)
    assert client.get("/healthz").status_code == 200
    assert "likewise_references NaN" in client.get("/metrics").text
    for path in ("/", "/page/main.js", "/openapi.json", "/v1/jobs"):
        assert client.get(path).status_code == 200
    assert client.get("/v1/jobs/0650b8d2f1a3c4-5e6f7a8b").json()["message"] == (
        "There is no such job."
    )


def test_a_gallery_that_comes_back_is_answered_from_again(client, gallery, queries):
    away = gallery.rename(gallery.with_name("away.gallery"))
    assert client.get("/readyz").status_code == 503
    away.rename(gallery)
    output = answers(client, queries)
    assert {status for status, _ in output.values()} <= {200, 201, 202}
