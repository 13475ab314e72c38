"""Questions over a socket: every form of body, and the same rows as without a server."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest

from index.decision import CheckOptions
from index.operating_point import OperatingPoint
from likewise.bulk.stream import check_stream, query_stream
from likewise.matcher import Matcher
from tests.likewise.server.conftest import image, npy, png, serving

NPY = {"Content-Type": "application/x-npy"}
RAW = {"Content-Type": "application/octet-stream"}


def as_json(rows):
    return json.loads(json.dumps(list(rows)))


def pixels_of(records) -> np.ndarray:
    return np.stack([record.pixels() for record in records])


def without_ids(rows):
    return [{**row, "id": None} for row in rows]


def forms(queries) -> dict[str, dict[str, object]]:
    """The same pictures in every form that holds several."""
    encoded = [base64.b64encode(png(record)).decode() for record in queries]
    images = [{"id": item.id, "data": data} for item, data in zip(queries, encoded, strict=True)]
    uris = [{**item, "data": f"data:image/png;base64,{item['data']}"} for item in images]
    return {
        "multipart": {"files": [("images", (item.id, png(item))) for item in queries]},
        "base64": {"json": {"images": images}},
        "data URI": {"json": {"images": uris}},
        "npy": {"content": npy(pixels_of(queries)), "headers": NPY},
    }


@pytest.mark.parametrize("form", ["multipart", "base64", "data URI", "npy"])
def test_the_rows_of_each_form_are_those_of_a_check_without_a_server(
    shared, matcher, queries, form
):
    answer = shared.post("/v1/check?k=3", **forms(queries)[form])
    expected = as_json(check_stream(matcher, queries, CheckOptions(k=3)))
    if form == "npy":
        expected = [{**row, "id": str(place)} for place, row in enumerate(expected)]
    assert answer.json()["rows"] == expected
    assert answer.json()["point"] == "eer"


def test_one_picture_may_be_the_whole_body(shared, matcher, queries):
    answer = shared.post("/v1/check?id=a.png", **image(queries[0]))
    [expected] = as_json(check_stream(matcher, queries[:1]))
    assert answer.json()["rows"] == [{**expected, "id": "a.png"}]


def test_vectors_are_checked_as_their_pictures_are(shared, matcher, queries):
    vectors = matcher.embedder.embed(pixels_of(queries))
    expected = without_ids(as_json(check_stream(matcher, queries)))
    bodies = (
        {"json": {"vectors": vectors.tolist(), "ids": [item.id for item in queries]}},
        {"content": npy(vectors), "headers": NPY},
        {"content": vectors.astype("<f4").tobytes(), "headers": RAW},
    )
    for body in bodies:
        rows = shared.post("/v1/check", **body).json()["rows"]
        assert without_ids(rows) == expected


def test_a_query_gives_the_nearest_references(shared, matcher, queries):
    answer = shared.post("/v1/query?k=2", **forms(queries)["multipart"])
    assert answer.json()["rows"] == as_json(query_stream(matcher, queries, CheckOptions(k=2)))


def test_every_option_means_what_it_means_without_a_server(shared, matcher, queries):
    for asked in (
        {"threshold": 0.1},
        {"min_margin": 0.2},
        {"group": "7"},
        {"at": "eer", "k": 1},
        {"k": 100},
    ):
        answer = shared.post("/v1/check", params=asked, **forms(queries)["multipart"])
        assert answer.json()["rows"] == as_json(
            check_stream(matcher, queries, CheckOptions(**asked))
        )


def test_among_several_an_unreadable_picture_is_a_row(shared, queries):
    files = [("images", ("a.png", png(queries[0]))), ("images", ("note.txt", b"no picture"))]
    rows = shared.post("/v1/check", files=files).json()["rows"]
    assert [row["decision"] for row in rows] == ["match", "error"]
    assert rows[1]["reason"] == "not a picture in a format that can be read"
    assert shared.post("/v1/query", files=files).json()["rows"][1]["neighbours"] == []


def test_several_unreadable_pictures_are_rows_and_one_alone_is_an_error(shared):
    files = [("images", (name, b"no picture")) for name in "ab"]
    rows = shared.post("/v1/check", files=files).json()["rows"]
    assert [row["decision"] for row in rows] == ["error", "error"]
    answer = shared.post("/v1/check", files=files[:1])
    assert (answer.status_code, answer.json()["code"]) == (422, "not_an_image")


@pytest.mark.parametrize("path", ["/v1/check", "/v1/query"])
@pytest.mark.parametrize("body", [b"", b"no picture"], ids=["empty", "no picture"])
def test_a_body_that_is_not_a_picture_is_an_error(shared, path, body):
    answer = shared.post(path, content=body, headers={"Content-Type": "image/png"})
    assert (answer.status_code, answer.json()["code"]) == (422, "not_an_image")


@pytest.mark.parametrize("target", ["/v1/check?at=none", "/v1/query?x=1"])
def test_an_option_that_does_not_fit_is_an_error(shared, queries, target):
    answer = shared.post(target, **image(queries[0]))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_many_pictures_are_answered_in_pieces_and_in_order(shared, matcher, queries):
    many = list(queries) * 20  # 800, more than a piece
    rows = shared.post("/v1/check", content=npy(pixels_of(many)), headers=NPY).json()["rows"]
    assert without_ids(rows) == without_ids(as_json(check_stream(matcher, many)))
    assert [row["id"] for row in rows] == list(map(str, range(800)))


def test_a_large_picture_gives_the_row_that_it_gives_without_a_server(shared, matcher, queries):
    from PIL import Image

    from embedder.data.records import Record

    wide = Image.fromarray(queries[0].pixels()).resize((1200, 1200))
    buffer = io.BytesIO()
    wide.save(buffer, "BMP")
    answer = shared.post("/v1/check?id=w", content=buffer.getvalue(), headers=content("image/bmp"))
    [expected] = as_json(check_stream(matcher, [Record("w", None, np.asarray(wide))]))
    assert answer.json()["rows"] == [expected]


def content(kind: str) -> dict[str, str]:
    return {"Content-Type": kind}


def test_embeddings_are_those_of_the_embedder(shared, matcher, queries):
    expected = matcher.embedder.embed(pixels_of(queries))
    asked = forms(queries)["multipart"]
    output = shared.post("/v1/embed", **asked).json()
    np.testing.assert_array_equal(np.array(output["vectors"], np.float32), expected)
    assert output["ids"] == [item.id for item in queries]
    assert output["fingerprint"] == matcher.gallery.fingerprint
    as_npy = shared.post("/v1/embed", **asked, headers={"Accept": "application/x-npy"})
    np.testing.assert_array_equal(np.load(io.BytesIO(as_npy.content)), expected)
    raw = shared.post("/v1/embed", **asked, headers={"Accept": "application/octet-stream"})
    assert raw.content == expected.astype("<f4").tobytes()


def test_an_unreadable_picture_among_several_has_no_embedding(shared, queries):
    files = [("images", ("a.png", png(queries[0]))), ("images", ("note.txt", b"no picture"))]
    output = shared.post("/v1/embed", files=files).json()
    assert output["vectors"][1] is None
    assert [item["id"] for item in output["unreadable"]] == ["note.txt"]
    raw = shared.post("/v1/embed", files=files, headers={"Accept": "application/octet-stream"})
    assert np.isnan(np.frombuffer(raw.content, "<f4").reshape(2, -1)[1]).all()


@pytest.mark.parametrize("sides", [("first",), ("first", "second", "second")])
def test_a_comparison_of_other_than_two_files_is_told_what_it_takes(shared, queries, sides):
    files = [(side, ("x.png", png(queries[0]))) for side in sides]
    answer = shared.post("/v1/compare", files=files)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["message"] == (
        "A form must hold one file in the field `first` and one in `second`."
    )


def test_two_pictures_are_compared_as_without_a_server(shared, matcher, queries):
    from likewise.comparison import compare_row

    files = {"first": ("a.png", png(queries[0])), "second": ("b.png", png(queries[1]))}
    expected = compare_row(queries[:1], queries[1:2], matcher.embedder, 0.5)
    row = shared.post("/v1/compare", files=files).json()
    assert row == {**expected, "a": "a.png", "b": "b.png"}
    data = [{"data": base64.b64encode(png(item)).decode()} for item in queries[:2]]
    row = shared.post("/v1/compare", json={"first": data[0], "second": data[1]}).json()
    assert row == {**expected, "a": "first", "b": "second"}


def test_a_pair_is_judged_by_the_models_threshold_for_pairs_as_on_the_command_line(
    client, matcher, queries
):
    matcher.gallery.points.store(
        "default", OperatingPoint(threshold=0.1)
    )  # for searches; `eer` is 0.5
    files = {"first": ("a.png", png(queries[0])), "second": ("b.png", png(queries[1]))}
    assert client.post("/v1/compare", files=files).json()["threshold"] == 0.5
    output = client.get("/v1/gallery").json()
    assert (output["default_point"], output["pair_point"]) == ("default", "eer")


def test_a_calibration_by_another_process_is_used_from_the_next_request_on(
    client, matcher, queries
):
    unknown = np.linspace(0.1, 1, 50, dtype=np.float32)
    point = OperatingPoint(threshold=0.3, fpir=0.02, fnir=0.0, gallery_size=300, generation=1)
    matcher.gallery.points.store("strict", point, unknown=unknown)
    answer = client.post("/v1/check?evidence=true", **forms(queries)["multipart"]).json()
    assert answer["rows"] == as_json(check_stream(matcher, queries, CheckOptions(evidence=True)))
    assert answer["point"] == "strict"
    assert {row["threshold"] for row in answer["rows"]} == {0.3}
    rows = client.post("/v1/query?evidence=1&at=strict", **forms(queries)["multipart"]).json()
    assert rows["rows"] == as_json(query_stream(matcher, queries, CheckOptions(evidence=True)))
    assert client.get("/v1/gallery").json()["default_point"] == "strict"


@pytest.mark.parametrize("labelled", [True, False])
def test_without_an_operating_point_the_hint_is_one_that_helps(tmp_path, fake, queries, labelled):
    fake.operating_points = {}
    with Matcher.create(tmp_path / "bare.gallery", fake) as matcher:
        matcher.add(
            [queries[0].pixels()], labels="7" if labelled else None, unlabelled=not labelled
        )
    pair = {side: ("x.png", png(queries[0])) for side in ("first", "second")}
    with serving(tmp_path / "bare.gallery") as client:
        compared = client.post("/v1/compare", files=pair).json()
        asked = client.post("/v1/query?evidence=true", **image(queries[0])).json()
        checked = client.post("/v1/check", **image(queries[0])).json()
    for answer in (compared, asked):  # neither takes a threshold, or needs groups
        assert answer["code"] == "not_calibrated"
        assert answer["hint"] == "Calibrate the gallery: likewise calibrate."
    assert checked["code"] == ("not_calibrated" if labelled else "no_groups")
