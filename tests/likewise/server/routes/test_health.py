"""Information for operators: health, metrics, log."""

from __future__ import annotations

import json

import numpy as np
import pytest

from index.gallery import Gallery
from likewise.server.gate import is_notable
from likewise.server.settings import Settings
from tests.eventually import eventually
from tests.likewise.server.conftest import image, png, serving


def figure(client, name: str) -> float:
    """The value of one line of /metrics, 0 where there is none yet."""
    lines = client.get("/metrics").text.splitlines()
    values = [line.rpartition(" ")[2] for line in lines if line.rpartition(" ")[0] == name]
    return float(values[0]) if values else 0.0


def test_requests_are_counted_by_route_and_not_by_id(client, queries):
    client.get("/v1/references/one")
    client.get("/v1/references/two")
    client.post("/v1/check", **image(queries[0]))
    client.get("/made/up/by/a/scanner")
    labels = 'likewise_requests_total{{method="{}",route="{}",status="{}"}}'
    assert figure(client, labels.format("GET", "/v1/references/{id}", 404)) == 2
    assert figure(client, labels.format("POST", "/v1/check", 200)) == 1
    assert figure(client, labels.format("GET", "other", 404)) == 1


def test_pictures_are_counted_by_decision_stage_and_distance(client, queries):
    files = [("images", (record.id, png(record))) for record in queries[:4]]
    files.append(("images", ("note.txt", b"no picture")))
    answer = client.post("/v1/check?threshold=0", files=files).json()
    assert [row["decision"] for row in answer["rows"]] == ["no_match"] * 4 + ["error"]
    assert figure(client, 'likewise_decisions_total{decision="no_match"}') == 4
    assert figure(client, 'likewise_decisions_total{decision="error"}') == 1
    assert figure(client, 'likewise_nearest_distance_bucket{le="+Inf"}') == 4
    nearest = [row["neighbours"][0]["distance"] for row in answer["rows"][:4]]
    total = figure(client, "likewise_nearest_distance_sum")
    np.testing.assert_allclose(total, sum(nearest), rtol=1e-6)
    for stage in ("read", "decode", "wait", "embed", "search", "write"):
        assert figure(client, f'likewise_stage_seconds_count{{stage="{stage}"}}') == 1
    assert figure(client, "likewise_batch_pictures_sum") == 5


def test_the_gallery_is_among_the_figures(client, queries):
    before = figure(client, "likewise_generation")
    client.put("/v1/references/x?label=7", **image(queries[0]))
    assert figure(client, "likewise_references") == 301
    assert figure(client, "likewise_generation") == before + 1
    assert figure(client, "likewise_queue") == 0


def test_jobs_that_cannot_be_listed_leave_all_other_figures(gallery):
    gallery.with_name(f"{gallery.name}.jobs").write_text("a file where the folder would be")
    with serving(gallery) as client:
        assert np.isnan(figure(client, "likewise_jobs"))
        assert figure(client, "likewise_references") == 300
        for answer in (
            client.get("/v1/jobs"),
            client.post("/v1/jobs/check", files={"images": b""}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (409, "read_only")
            assert answer.json()["hint"] == "Start it with --jobs DIR."


@pytest.fixture
def logged(gallery):
    """A client, and the lines that its server's log has got so far."""
    lines: list[str] = []
    with serving(gallery, Settings(log_all=True), tell=lines.append) as client:
        yield client, lines


def test_a_line_of_the_log_says_what_came_of_a_request(logged, queries):
    client, lines = logged
    files = [("images", (record.id, png(record))) for record in queries[:3]]
    headers = {"X-Request-ID": "mine-1"}
    client.post("/v1/check?threshold=0", files=files, headers=headers)
    client.get("/v1/references/somebodys-name")
    assert lines[0].startswith("Serving digits.gallery on http://127.0.0.1:")
    lines = [line for line in lines if "/readyz" not in line]
    checked, read = map(json.loads, lines[1:])
    seconds, _ = checked.pop("seconds"), checked.pop("time")
    assert checked == {
        "id": "mine-1",
        "method": "POST",
        "route": "/v1/check",
        "status": 200,
        "images": 3,
        "decisions": {"no_match": 3},
    }
    assert 0 < seconds < 60
    assert read["route"] == "/v1/references/{id}"
    assert not any("somebodys-name" in line or queries[0].id in line for line in lines)


@pytest.mark.parametrize(
    ("status", "seconds", "changed", "notable"),
    [
        (200, 0.01, False, False),
        (404, 0.01, False, False),
        (200, 2.0, False, True),
        (201, 0.01, True, True),
        (401, 0.01, False, True),
    ],
)
def test_changes_refusals_and_slow_requests_alone_are_notable(status, seconds, changed, notable):
    assert is_notable(status, seconds, changed=changed) is notable


def test_a_quiet_log_has_a_line_for_each_notable_request_and_no_other(gallery, queries):
    lines: list[str] = []
    with serving(gallery, tell=lines.append) as client:
        client.post("/v1/check", **image(queries[0]))
        client.get("/v1/references/nothing")
        client.delete(f"/v1/references/{next(iter(Gallery.open(gallery).ids()))}")
    requests = [json.loads(line) for line in lines if line.startswith("{")]
    assert [(line["method"], line["status"]) for line in requests] == [("DELETE", 200)]


def test_a_gallery_that_cannot_be_loaded_is_never_ready_and_the_log_says_why(gallery, monkeypatch):
    from index.errors import StoreError
    from index.gallery import Gallery

    def damaged(self: Gallery) -> None:
        raise StoreError("a row is missing")

    monkeypatch.setattr(Gallery, "warm", damaged)
    lines: list[str] = []
    with serving(gallery, tell=lines.append, ready=503) as client:
        assert client.get("/readyz").json()["code"] == "not_ready"
        eventually(lambda: lines, until=lambda lines: len(lines) >= 2)
        monkeypatch.undo()
    assert any("a row is missing" in line for line in lines)


def test_a_gallery_whose_loading_failed_once_is_loaded_again_and_then_ready(gallery, monkeypatch):
    from index.errors import UnreachableError

    tried: list[Gallery] = []
    warm = Gallery.warm

    def lost_once(gallery: Gallery) -> None:
        tried.append(gallery)
        if len(tried) == 1:
            raise UnreachableError("the connection was lost")
        warm(gallery)

    monkeypatch.setattr(Gallery, "warm", lost_once)
    with serving(gallery) as client:  # which waits until it is ready
        assert client.get("/readyz").json() == {"status": "ok"}
    assert len(tried) == 2
