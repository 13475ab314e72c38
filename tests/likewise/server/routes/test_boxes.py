"""Boxes over a socket: parts of pictures, cut out by the server."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

BOX = (30, 20, 28, 28)


@pytest.fixture
def sheet(queries):
    """A sheet with a digit in it, as PNG, and the digit alone as PNG."""
    digit = queries[0].pixels()
    pixels = np.zeros((60, 90), np.uint8)
    pixels[20:48, 30:58] = digit
    files = []
    for picture in (pixels, digit):
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "PNG")
        files.append(buffer.getvalue())
    return files


def whole(content):
    return {"content": content, "headers": {"Content-Type": "image/png"}}


def as_json(content, box=None):
    data = {"data": base64.b64encode(content).decode()}
    return data if box is None else {**data, "box": box}


@pytest.mark.parametrize("route", ["check", "query"])
def test_a_box_is_answered_as_the_picture_that_it_holds(shared, sheet, route):
    [expected] = shared.post(f"/v1/{route}?id=x", **whole(sheet[1])).json()["rows"]
    [alone] = shared.post(f"/v1/{route}?id=x&box=30,20,28,28", **whole(sheet[0])).json()["rows"]
    body = {"images": [{"id": "x", **as_json(sheet[0], BOX)}, {"id": "y", **as_json(sheet[1])}]}
    first, second = shared.post(f"/v1/{route}", json=body).json()["rows"]
    assert alone == first == expected
    assert {**second, "id": "x"} == expected


def test_a_box_has_the_vector_of_its_part(shared, sheet):
    bodies = [
        {"images": [{"id": "x", **as_json(*side)}]} for side in ((sheet[0], BOX), (sheet[1],))
    ]
    part, digit = (shared.post("/v1/embed", json=body).json()["vectors"] for body in bodies)
    assert part == digit
    pair = {"first": as_json(sheet[0], BOX), "second": as_json(sheet[1])}
    assert shared.post("/v1/compare", json=pair).json()["distance"] == 0


def as_form(sheet, field="images", boxes="[[30, 20, 28, 28], null]", **texts):
    files = [(field, (name, content)) for name, content in zip("xy", sheet, strict=True)]
    return {"files": files, "data": {"boxes": boxes, **texts}}


@pytest.mark.parametrize("route", ["check", "query"])
def test_the_boxes_of_a_form_are_those_of_its_files_in_order(shared, sheet, route):
    [expected] = shared.post(f"/v1/{route}?id=x", **whole(sheet[1])).json()["rows"]
    first, second = shared.post(f"/v1/{route}", **as_form(sheet)).json()["rows"]
    assert (first["id"], second["id"]) == ("x#30,20,28,28", "y")  # as in a list
    assert {**first, "id": "x"} == {**second, "id": "x"} == expected


def test_the_boxes_of_two_pictures_are_compared(shared, sheet):
    files = {"first": ("a", sheet[0]), "second": ("b", sheet[1])}
    sent = {"files": files, "data": {"boxes": "[[30, 20, 28, 28], null]"}}
    assert shared.post("/v1/compare", **sent).json()["distance"] == 0
    assert shared.post("/v1/compare", files=files).json()["distance"] > 0


def test_the_boxes_of_a_form_are_enrolled(client, sheet):
    added = client.post("/v1/references", **as_form(sheet, label="7")).json()
    assert added["added"] == 2
    texts = {"label": "7", "boxes": "[[30, 20, 28, 28]]"}
    address = "/v1/references/x%2330,20,28,28"
    again = client.put(address, files={"image": ("x", sheet[0])}, data=texts)
    assert again.json()["status"] == "unchanged"


def test_two_parts_of_one_file_are_two_references(client, sheet):
    files = [("images", ("sheet.png", sheet[0]))] * 2
    texts = {"label": "7", "boxes": "[[30, 20, 28, 28], [0, 0, 60, 60]]"}
    added = client.post("/v1/references", files=files, data=texts).json()
    assert added["added"] == 2


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ("[null]", "`boxes` must hold a box, or null, for each of 2 files. Received: 1."),
        ("[[1, 2, 3, 4], [1, 2, 3]]", "`box`: expected a box"),
        ("[null, [5, 5, 0, 5]]", "`box`: expected a box"),
        ("30,20,28,28", "`boxes"),
    ],
)
def test_boxes_that_do_not_fit_the_files_are_refused(shared, sheet, boxes, message):
    answer = shared.post("/v1/check", **as_form(sheet, boxes=boxes))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["message"].startswith(message)


def test_boxes_are_enrolled_by_their_own_content(client, sheet):
    one = client.put("/v1/references/a?label=7&box=30,20,28,28", **whole(sheet[0]))
    other = client.put("/v1/references/a", json={"label": "7", **as_json(sheet[1])})
    several = client.post(
        "/v1/references", json={"references": [{"id": "a", "label": "7", **as_json(sheet[0], BOX)}]}
    )
    assert one.json()["status"] == "added"
    assert other.json()["status"] == "unchanged"
    assert several.json()["unchanged"] == 1


WRONG = {
    "three numbers": "1,2,3",
    "five numbers": "1,2,3,4,5",
    "words": "a,b,c,d",
    "empty": "5,5,0,5",
    "before the edge": "-1,0,5,5",
    "too large a number": "0,0,1e30,5",
}


@pytest.mark.parametrize("box", WRONG.values(), ids=WRONG)
def test_what_is_not_a_box_is_refused(shared, sheet, box):
    answer = shared.post("/v1/check", params={"box": box}, **whole(sheet[0]))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["message"].startswith("`box`: expected a box")
    assert answer.json()["hint"].startswith("A box is x, y, w and h in pixels")


def test_a_box_outside_the_picture_is_an_error_of_its_row(shared, sheet):
    beyond = (80, 0, 28, 28)
    answer = shared.post("/v1/check?box=80,0,28,28", **whole(sheet[0]))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert "80,0,28,28 reaches out of the picture" in answer.json()["message"]
    assert answer.json()["hint"].startswith("A box is x, y, w and h in pixels")
    images = [{"id": "x", **as_json(sheet[0], beyond)}, {"id": "y", **as_json(sheet[0], BOX)}]
    wrong, right = shared.post("/v1/check", json={"images": images}).json()["rows"]
    assert (wrong["decision"], right["decision"] != "error") == ("error", True)


def test_a_box_beside_a_body_of_several_or_a_vector_is_refused(shared, client, sheet):
    images = {"images": [{"id": "x", **as_json(sheet[0])}]}
    answers = [
        shared.post("/v1/check?box=1,2,3,4", json=images),
        client.put("/v1/references/a?box=1,2,3,4", json={"label": "7", **as_json(sheet[0])}),
        client.put("/v1/references/a", json={"label": "7", "vector": [0.0] * 16, "box": BOX}),
    ]
    assert [answer.status_code for answer in answers] == [422] * 3
