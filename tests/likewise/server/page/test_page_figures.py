"""The data of the page's histograms and map: computed once, in the background."""

from __future__ import annotations

import threading

import httpx
import numpy as np
import pytest

from embedder.data.records import Record
from index.errors import PartMissingError
from likewise.server.cached import Cached
from likewise.server.errors import ApiError
from tests.eventually import eventually
from tests.likewise.server.conftest import image, png


def when_ready(client: httpx.Client, path: str) -> dict:
    def computed(answer: httpx.Response) -> bool:
        if answer.status_code == 503:
            assert answer.json()["code"] == "not_ready"
            assert answer.headers["retry-after"] == "1"
        return answer.status_code != 503

    return eventually(lambda: client.get(path), until=computed).json()


def test_histograms_are_shares_and_rates_follow_from_the_thresholds(shared, matcher):
    output = when_ready(shared, "/v1/gallery/distances")
    assert len(output["edges"]) == len(output["genuine"]) + 1 == len(output["impostor"]) + 1
    for kind in ("genuine", "impostor"):
        np.testing.assert_allclose(sum(output[kind]), 1)
    assert output["fmr"] == sorted(output["fmr"])
    assert output["fnmr"] == sorted(output["fnmr"], reverse=True)
    assert (output["fmr"][-1], output["fnmr"][-1], output["fpir"]) == (1, 0, None)
    assert output["generation"] == matcher.gallery.generation
    assert "drawn from 300 references" in output["measured_on"]


def test_a_reference_lands_on_its_own_place_of_the_map(shared, references):
    points = {item["id"]: item for item in when_ready(shared, "/v1/gallery/map")["points"]}
    assert len(points) == 300
    assert {(0 <= item["x"] <= 1, 0 <= item["y"] <= 1) for item in points.values()} == {
        (True, True)
    }
    files = [("images", (item.id, png(item))) for item in references[:3]]
    files.append(("images", ("note.txt", b"no picture")))
    output = shared.post("/v1/gallery/map", files=files).json()["positions"]
    expected = [
        {name: points[item.id][name] for name in ("id", "x", "y")} for item in references[:3]
    ]
    assert output == expected


def test_what_is_not_a_picture_lands_nowhere(shared):
    when_ready(shared, "/v1/gallery/map")
    answer = shared.post("/v1/gallery/map", content=b"x", headers={"Content-Type": "image/png"})
    assert (answer.status_code, answer.json()["code"]) == (422, "not_an_image")


def test_a_part_of_a_picture_lands_where_that_part_does(shared, references):
    when_ready(shared, "/v1/gallery/map")
    pixels = references[0].pixels()
    framed = Record("framed", None, np.pad(pixels, 4))
    landed = [
        shared.post(f"/v1/gallery/map{box}", **image(record)).json()["positions"][0]
        for record, box in ((references[0], ""), (framed, "?box=4,4,28,28"))
    ]
    assert (landed[0]["x"], landed[0]["y"]) == (landed[1]["x"], landed[1]["y"])
    refused = shared.post("/v1/gallery/map?box=nonsense", **image(references[0]))
    assert refused.status_code == 422


def test_a_change_of_the_gallery_is_followed_without_waiting_for_it(client, queries):
    before = when_ready(client, "/v1/gallery/map")
    client.put("/v1/references/x?label=7", **image(queries[0]))
    output = eventually(
        lambda: client.get("/v1/gallery/map").json(),  # the older one, until the new is computed
        until=lambda output: output["generation"] != before["generation"],
        within=300,
    )
    assert "x" in {item["id"] for item in output["points"]}


def test_the_first_value_is_waited_for_and_later_ones_are_not():
    state, free = [1], threading.Event()
    cached = Cached(lambda: (free.wait(60), state[0])[1], lambda: state[0])
    with pytest.raises(ApiError, match="first time"):
        cached.get()
    free.set()
    cached.wait()
    assert cached.get() == 1
    state[0] = 2
    assert cached.get() in (1, 2)
    eventually(cached.get, until=lambda value: value == 2)


def test_a_computation_that_fails_says_so_and_is_tried_again_for_another_state():
    state = [0]
    cached = Cached(lambda: 1 / state[0], lambda: state[0])
    cached.wait()
    with pytest.raises(ZeroDivisionError):
        cached.get()
    state[0] = 1
    assert eventually(cached.get, retry=(ApiError, ZeroDivisionError)) == 1


def test_what_failed_for_want_of_a_part_is_tried_again_for_the_same_state():
    missing = [PartMissingError("a part is missing")]

    def compute() -> int:
        if missing:
            raise missing.pop()
        return 7

    cached = Cached(compute, lambda: "generation 1")
    cached.wait()
    assert eventually(cached.get, retry=(ApiError, PartMissingError)) == 7
