"""References without a group over a socket."""

from __future__ import annotations

import base64

import pytest

from likewise.matcher import Matcher
from tests.likewise.server.conftest import image, png, serving


@pytest.fixture
def bare(tmp_path, fake, references):
    """A client of a server over ten pictures without labels."""
    with Matcher.create(tmp_path / "bare.gallery", fake) as matcher:
        matcher.add(references[:10], unlabelled=True)
    with serving(tmp_path / "bare.gallery") as client:
        yield client


def test_every_form_can_be_enrolled_without_a_label(client, queries):
    picture = png(queries[0])
    as_json = {"label": None, "data": base64.b64encode(picture).decode()}
    answers = [
        client.put("/v1/references/a?unlabelled=true", **image(queries[0])),
        client.put("/v1/references/b?unlabelled=true", files={"image": ("b", picture)}),
        client.put("/v1/references/c", json=as_json),
        client.post("/v1/references?unlabelled=true", files=[("images", ("d", picture))]),
        client.post("/v1/references", json={"references": [{**as_json, "id": "e"}]}),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 200, 200]
    assert answers[0].json() == {"id": "a", "label": None, "status": "added"}
    listed = client.get("/v1/references?unlabelled=true").json()["references"]
    assert listed == [{"id": id, "label": None} for id in "abcde"]
    assert client.get("/v1/references/a").json()["label"] is None
    gallery = client.get("/v1/gallery").json()
    assert (gallery["references"], gallery["groups"], gallery["unlabelled"]) == (305, 10, 5)


def test_a_label_left_out_is_still_an_error(client, queries):
    data = base64.b64encode(png(queries[0])).decode()
    answers = [
        client.put("/v1/references/a", **image(queries[0])),
        client.put("/v1/references/a?unlabelled=true&label=7", **image(queries[0])),
        client.put("/v1/references/a", json={"data": data}),
        client.post("/v1/references", files=[("images", ("d", png(queries[0])))]),
        client.post(
            "/v1/references?unlabelled=true",
            files=[("images", ("d", png(queries[0])))],
            data={"label": "7"},
        ),
        client.get("/v1/references?unlabelled=true&label=7"),
    ]
    assert [answer.status_code for answer in answers] == [422] * 6
    assert "?unlabelled=true" in answers[0].json()["hint"]


def test_check_passes_them_over_and_query_finds_them(client, queries):
    before = client.post("/v1/check", **image(queries[0])).json()["rows"]
    client.put("/v1/references/a?unlabelled=true", **image(queries[0]))
    assert client.post("/v1/check", **image(queries[0])).json()["rows"] == before
    [row] = client.post("/v1/query?k=1", **image(queries[0])).json()["rows"]
    assert row["neighbours"] == [{"rank": 1, "id": "a", "label": None, "distance": 0.0}]


@pytest.mark.parametrize("query", ["", "?threshold=0.5", "?k=1"])
def test_a_gallery_without_groups_says_what_to_ask_instead(bare, queries, query):
    answer = bare.post(f"/v1/check{query}", **image(queries[0]))
    assert (answer.status_code, answer.json()["code"]) == (409, "no_groups")
    assert "/v1/query" in answer.json()["hint"]
    assert len(bare.post("/v1/query", **image(queries[0])).json()["rows"]) == 1


def test_the_other_routes_of_the_page_answer_without_groups(bare):
    assert bare.get("/v1/groups").json() == {"groups": []}
    assert bare.get("/v1/gallery").json()["unlabelled"] == 10
