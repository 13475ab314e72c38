"""References over a socket: enrolled, listed, read and removed."""

from __future__ import annotations

import base64
import io
import json
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from tests.likewise.server.conftest import image, png


def put(client, id: str, record, label: str = "7"):
    return client.put(f"/v1/references/{id}", params={"label": label}, **image(record))


def test_a_reference_is_added_replaced_or_left_as_it_is(client, queries):
    output = [
        put(client, "mine/a.png", queries[0]),
        put(client, "mine/a.png", queries[0]),
        put(client, "mine/a.png", queries[0], label="8"),
        put(client, "mine/a.png", queries[1], label="8"),
    ]
    assert [(answer.status_code, answer.json()["status"]) for answer in output] == [
        (201, "added"),
        (200, "unchanged"),
        (200, "replaced"),
        (200, "replaced"),
    ]
    assert client.get("/v1/gallery").json()["references"] == 301


def test_an_id_that_renaming_made_longer_than_a_new_one_may_be_is_read_and_removed(client, queries):
    long = "x" * 1000
    put(client, long, queries[0])
    files = [("images", (long, png(queries[1]), "image/png"))]
    asked = {"on_conflict": "rename", "source": "tuesday"}
    answer = client.post("/v1/references", params=asked, files=files, data={"label": "7"})
    assert answer.json()["renamed"] == 1
    renamed = f"tuesday/{long}"
    assert client.get(f"/v1/references/{renamed}").json()["id"] == renamed
    assert client.get(f"/v1/pictures/{renamed}").status_code == 200
    assert put(client, renamed, queries[2]).status_code == 422
    assert client.delete(f"/v1/references/{renamed}").json() == {"removed": 1}
    removed = client.post("/v1/references/delete", json={"ids": [renamed, long]})
    assert removed.json() == {"removed": 1, "missing": [renamed]}


def test_an_enrolled_picture_finds_itself(client, queries):
    put(client, "mine/a.png", queries[0])
    [row] = client.post("/v1/check", **image(queries[0])).json()["rows"]
    assert (row["neighbours"][0]["id"], row["distance"]) == ("mine/a.png", 0.0)


def test_every_form_of_a_reference_is_the_same_reference(client, queries, matcher):
    picture = png(queries[0])
    vector = matcher.embedder.embed(queries[0].pixels()[None])[0].tolist()
    metadata = {"writer": 17}
    form = {"label": "7", "metadata": json.dumps(metadata)}
    data = base64.b64encode(picture).decode()
    bodies: dict[str, dict[str, Any]] = {
        "form": {"files": {"image": ("a.png", picture)}, "data": form},
        "json": {"json": {"label": "7", "data": data, "metadata": metadata}},
        "vector": {"json": {"label": "7", "vector": vector, "metadata": metadata}},
    }
    for id, body in bodies.items():
        assert client.put(f"/v1/references/{id}", **body).status_code == 201
        output = client.get(f"/v1/references/{id}?vector=true").json()
        assert (output["label"], output["metadata"]) == ("7", metadata)
        assert output["picture"] == (id != "vector")
        np.testing.assert_array_equal(np.float32(output["vector"]), np.float32(vector))


@pytest.mark.parametrize("id", ["\n", "x\n", "a\nb", "a\r\nb", "ü/7 %.png", "\ufffd", "//", "\0"])
def test_an_id_is_any_text_also_in_a_path(client, queries, id):
    assert put(client, "x", queries[1]).status_code == 201
    path = quote(id, safe="/")
    assert put(client, path, queries[0]).json() == {"id": id, "label": "7", "status": "added"}
    [row] = client.post("/v1/query?k=1", **image(queries[0])).json()["rows"]
    assert row["neighbours"][0]["id"] == id
    assert client.get(f"/v1/references/{path}").json()["id"] == id
    assert client.get(f"/v1/pictures/{path}").status_code == 200
    assert client.delete(f"/v1/references/{path}").json() == {"removed": 1}
    assert client.get("/v1/references/x").status_code == 200


def test_other_metadata_replaces_a_reference(client, queries):
    data = base64.b64encode(png(queries[0])).decode()
    for metadata, status in (({"a": 1}, "added"), ({"a": 1}, "unchanged"), ({}, "replaced")):
        body = {"label": "7", "data": data, "metadata": metadata}
        assert client.put("/v1/references/x", json=body).json()["status"] == status


def test_a_reference_that_does_not_fit_is_refused_and_nothing_is_stored(client, queries):
    data = base64.b64encode(png(queries[0])).decode()
    for body, status in (
        ({"label": "7"}, 422),
        ({"label": "", "data": data}, 422),
        ({"label": "7", "data": data, "vector": [0.0] * 16}, 422),
        ({"label": "7", "vector": [0.0]}, 422),
        ({"label": "7", "data": base64.b64encode(b"text").decode()}, 422),
        ({"label": "7", "data": data, "metadata": "text"}, 422),
        ({"label": "\ud800", "data": data}, 422),
        ([], 422),
    ):
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        answer = client.put("/v1/references/x", content=content, headers=headers)
        assert answer.status_code == status, answer.text
    assert client.get("/v1/gallery").json()["references"] == 300


def test_a_field_of_a_form_that_does_not_fit_is_named(client, queries):
    def message(path: str, file: str, name: str, data: dict[str, Any]) -> str:
        method = "PUT" if file == "image" else "POST"
        files = {file: (name, png(queries[0]))}
        answer = client.request(method, f"/v1/references{path}", files=files, data=data)
        assert answer.status_code == 422
        return str(answer.json()["message"])

    assert message("/x", "image", "a", {"label": ""}) == "`label` must not be empty."
    metadata = message("/x", "image", "a", {"label": "7", "metadata": "[]"})
    assert metadata == "`metadata` must be an object."
    name = message("", "images", "a" * 1001, {"label": "7"})
    assert name == "`filename` must have at most 1000 characters."
    once = "The form must hold the field `label` once."
    assert message("/x", "image", "a", {}) == once
    assert message("", "images", "a", {"label": ["7", "8"]}) == once


def test_many_references_come_in_one_request(client, queries):
    files = [("images", (record.id, png(record))) for record in queries[:3]]
    files.append(("images", ("note.txt", b"no picture")))
    output = client.post("/v1/references", files=files, data={"label": "7"}).json()
    assert (output["added"], output["replaced"], output["unchanged"]) == (3, 0, 0)
    assert [item["id"] for item in output["unreadable"]] == ["note.txt"]
    output = client.post("/v1/references", files=files[:3], data={"label": "7"}).json()
    assert (output["added"], output["unchanged"]) == (0, 3)


def test_of_an_id_given_twice_the_last_counts_where_it_is_to_replace(client, queries):
    pictures = [base64.b64encode(png(record)).decode() for record in queries[:2]]
    entries = [{"id": "x", "label": "7", "data": data} for data in pictures]
    body = {"json": {"references": entries}}
    output = client.post("/v1/references?on_conflict=replace", **body).json()
    assert (output["added"], output["replaced"]) == (1, 1)
    [row] = client.post("/v1/query", **image(queries[1])).json()["rows"]
    assert (row["neighbours"][0]["id"], row["neighbours"][0]["distance"]) == ("x", 0.0)


def test_http_refuses_a_collision_with_what_to_do(client, queries):
    def post(query: str = ""):
        files = [("images", ("a.png", png(record))) for record in queries[:2]]
        return client.post(f"/v1/references{query}", files=files, data={"label": "7"})

    refused = post()
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert refused.json()["message"] == (
        "1 picture has the id of another picture or label, in the gallery or in this input: "
        "'a.png'. Nothing was written."
    )
    assert "on_conflict=replace" in refused.json()["hint"]
    assert client.get("/v1/references/a.png").status_code == 404
    for query, outcome in (
        ("?on_conflict=skip", {"added": 1, "skipped": 1}),
        ("?on_conflict=rename&source=tuesday", {"unchanged": 1, "renamed": 1}),
        ("?on_conflict=replace", {"unchanged": 1, "replaced": 1}),
    ):
        assert post(query).json().items() >= outcome.items()
    assert client.get("/v1/references/tuesday/a.png").status_code == 200
    assert post("?on_conflict=other").status_code == 422
    assert "--" not in refused.text  # options of the command line help no client


def test_a_collision_that_renaming_does_not_help_says_what_does(client, queries):
    def post(record):
        files = [("images", ("a.png", png(record)))]
        query = "?on_conflict=rename&source=tuesday"
        return client.post(f"/v1/references{query}", files=files, data={"label": "7"})

    assert [post(record).status_code for record in queries[:2]] == [200, 200]
    refused = post(queries[2])
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert refused.json()["hint"].startswith("Renamed, they are taken too: give other ids")


def test_an_option_that_a_body_says_itself_is_refused(client, queries):
    data = base64.b64encode(png(queries[0])).decode()
    item = {"id": "a", "label": "7", "data": data}
    form = {"files": {"image": ("a.png", png(queries[0]))}, "data": {"label": "7"}}
    answers = [
        client.put("/v1/references/a?label=8", json={"label": "7", "data": data}),
        client.put("/v1/references/a?unlabelled=true", json={"label": "7", "data": data}),
        client.put("/v1/references/a?label=8", **form),
        client.post("/v1/references?unlabelled=true", json={"references": [item]}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert "is an option for" in answer.json()["message"]
    assert client.get("/v1/references/a").status_code == 404


def test_references_are_removed_by_one_and_by_many(client):
    ids = [item["id"] for item in client.get("/v1/references?limit=3").json()["references"]]
    assert client.delete(f"/v1/references/{ids[0]}").json() == {"removed": 1}
    assert client.delete(f"/v1/references/{ids[0]}").status_code == 404
    output = client.post("/v1/references/delete", json={"ids": [*ids, ids[1]]}).json()
    assert output == {"removed": 2, "missing": [ids[0]]}
    assert client.get("/v1/gallery").json()["references"] == 297


def test_pages_hold_every_reference_once(shared, references):
    seen: list[str] = []
    after = None
    while after is not None or not seen:
        page = shared.get("/v1/references", params={"limit": 70, "after": after or ""}).json()
        seen += [item["id"] for item in page["references"]]
        after = page["next"]
    assert seen == [record.id for record in references]


def test_a_list_may_be_of_one_group(shared, references):
    page = shared.get("/v1/references?label=7&limit=1000").json()
    expected = [{"id": item.id, "label": "7"} for item in references if item.label == "7"]
    assert page == {"references": expected, "next": None}


def test_a_page_that_was_never_given_is_refused(shared):
    for after in ("zz", "f" * 30, "-1"):
        assert shared.get(f"/v1/references?after={after}").status_code == 422
    assert shared.get("/v1/references?limit=0").status_code == 422
    assert shared.get("/v1/references?page=2").json()["code"] == "invalid"


def test_a_picture_comes_as_the_network_takes_it(shared, references):
    answer = shared.get(f"/v1/pictures/{references[0].id}")
    assert answer.headers["content-type"] == "image/png"
    shown = np.asarray(Image.open(io.BytesIO(answer.content)))
    np.testing.assert_array_equal(shown, references[0].pixels())
    again = shared.get(
        f"/v1/pictures/{references[0].id}", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert shared.get("/v1/pictures/none").json()["code"] == "not_found"


def test_groups_have_counts_and_samples(shared, references):
    output = shared.get("/v1/groups?samples=2").json()["groups"]
    assert [group["label"] for group in output] == list("0123456789")
    assert sum(group["references"] for group in output) == 300
    sevens = [record.id for record in references if record.label == "7"]
    assert set(output[7]["samples"]) <= set(sevens)
    assert len(output[7]["samples"]) == 2


def test_groups_come_a_page_at_a_time(shared):
    first = shared.get("/v1/groups?limit=7&samples=0").json()
    assert [group["label"] for group in first["groups"]] == list("0123456")
    rest = shared.get(f"/v1/groups?limit=7&samples=0&after={first['next']}").json()
    assert [group["label"] for group in rest["groups"]] == list("789")
    assert "next" not in rest
    assert shared.get("/v1/groups?limit=0").json()["code"] == "invalid"


def test_the_gallery_is_described(shared, matcher):
    output = shared.get("/v1/gallery").json()
    assert (output["references"], output["groups"], output["default_point"]) == (300, 10, "eer")
    assert output["model"]["fingerprint"] == matcher.gallery.fingerprint
    assert output["writable"]
    assert not output["read_only"]
