"""The service on a gallery in PostgreSQL: many servers share one, and none serves what is old."""

from __future__ import annotations

import json

import httpx
import pytest

from embedder.model import Embedder
from index.address import place_of
from likewise.matcher import Matcher
from likewise.server.settings import Settings
from tests.eventually import eventually
from tests.likewise.server.conftest import image, png, serving
from tests.likewise.server.jobs.test_jobs import CHECK, ZIP, finished, packed, result
from tests.postgres_server import PASSWORD, Server

SECRET = PASSWORD.replace("/", "%2F").replace(":", "%3A").replace("@", "%40")
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'owner'"


@pytest.fixture
def address(postgres: Server, fake, references) -> str:
    """A gallery of 50 digits; the address has the password."""
    with Matcher.create(postgres.url("digits"), fake) as matcher:
        matcher.add(references[:50])
    return postgres.url("digits", password=SECRET)


def references_of(client: httpx.Client) -> int:
    """How many references a server says it has."""
    return int(client.get("/v1/gallery").json()["references"])


@pytest.mark.costly
def test_two_servers_share_a_gallery(address, queries, monkeypatch):
    monkeypatch.delenv("PGPASSWORD")
    lines: list[str] = []
    place = place_of(address)
    settings = Settings(log_all=True)
    with (
        serving(place, settings, tell=lines.append) as one,
        serving(place, settings, tell=lines.append) as other,
    ):
        asked = [image(record) for record in queries[:5]]
        answers = [
            [client.post("/v1/query", **each).json()["rows"] for each in asked]
            for client in (one, other)
        ]
        assert answers[0] == answers[1]
        assert one.delete("/v1/references/mnist/train/00003").status_code == 200
        assert references_of(other) == references_of(one) == 49
    assert lines
    assert "s3cret" not in "".join(lines)


@pytest.mark.costly
def test_a_job_of_a_server_finds_the_password_that_the_address_has(
    postgres, references, queries, tmp_path, monkeypatch
):
    with Matcher.create(postgres.url("real"), Embedder.load()) as matcher:
        matcher.add(references[:50])
        expected = [answer.label for answer in matcher.check([each.image for each in queries[:4]])]
    monkeypatch.delenv("PGPASSWORD")
    pictures = packed({f"{place}.png": png(record) for place, record in enumerate(queries[:4])})
    settings = Settings(jobs=tmp_path / "jobs")
    with serving(place_of(postgres.url("real", password=SECRET)), settings) as client:
        job = finished(client, client.post(CHECK, content=pictures, headers=ZIP))
        rows = [json.loads(line) for line in result(client, job).splitlines()]
    assert [row["label"] for row in rows] == expected
    kept = [path for path in (tmp_path / "jobs").rglob("*") if path.is_file()]
    assert kept
    assert not any(b"s3cret" in path.read_bytes() for path in kept)


@pytest.mark.costly
def test_a_server_goes_on_after_the_database_was_away(postgres, address, queries):
    with serving(place_of(address)) as client:
        asked = image(queries[0])
        before = client.post("/v1/query", **asked).json()
        postgres.sql(END_ALL)
        assert client.post("/v1/query", **asked).json()["rows"] == before["rows"]
        postgres.kill()
        answer = client.post("/v1/query", **asked)
        assert answer.status_code == 503
        assert "The gallery's database cannot be reached." in answer.text
        eventually(lambda: client.get("/readyz"), until=lambda each: each.status_code == 503)
        assert client.get("/healthz").status_code == 200
        postgres.start()
        again = eventually(
            lambda: client.post("/v1/query", **asked), until=lambda each: each.status_code == 200
        )
        assert again.json()["rows"] == before["rows"]
        assert client.get("/readyz").status_code == 200


@pytest.mark.costly
def test_a_server_does_not_serve_an_older_state_than_it_has_seen(postgres, address, queries):
    with serving(place_of(address)) as client:
        postgres.sql("CREATE TABLE public.old AS TABLE likewise_digits.state")
        postgres.sql("CREATE TABLE public.rows AS TABLE likewise_digits.reference")
        postgres.sql("CREATE TABLE public.removal AS TABLE likewise_digits.removal")
        assert client.delete("/v1/references/mnist/train/00003").status_code == 200
        for old, table in (("old", "state"), ("rows", "reference"), ("removal", "removal")):
            postgres.sql(
                f"DELETE FROM likewise_digits.{table}; INSERT INTO likewise_digits.{table} TABLE"
                f" public.{old}; DROP TABLE public.{old}"
            )
        answer = client.post("/v1/query", **image(queries[0]))
        assert answer.status_code == 503
        assert "older than what was acknowledged" in answer.text
