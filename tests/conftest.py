"""Fixtures for service and command line: a fake embedder, digits, a gallery."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from PIL import Image

from embedder.data.sources import Record, records
from embedder.model import Embedder
from likewise.matcher import Matcher
from tests.cloud_storage import s3, s3_server
from tests.fakes import FakeEmbedder
from tests.postgres_server import PASSWORD, Server, binaries

__all__ = ["s3", "s3_server"]

REFERENCES = 300


@pytest.fixture
def fake(tmp_path, monkeypatch) -> FakeEmbedder:
    """The embedder that every `Embedder.load` gives."""
    fake = FakeEmbedder(tmp_path / "fake-model")
    monkeypatch.setattr(Embedder, "load", lambda path=None, *, threads=None: fake)
    return fake


@pytest.fixture(scope="session")
def references() -> list[Record]:
    return list(islice(records("mnist/train"), REFERENCES))


@pytest.fixture(scope="session")
def queries() -> list[Record]:
    return list(islice(records("mnist/test"), 40))


@pytest.fixture(scope="session")
def built(tmp_path_factory, references) -> Path:
    """A gallery of the references as the fake embeds them, not to be changed."""
    folder = tmp_path_factory.mktemp("built")
    with Matcher.create(folder / "digits.gallery", FakeEmbedder(folder / "model")) as matcher:
        matcher.add(references)
    return matcher.gallery.path


@pytest.fixture
def gallery(built, tmp_path, fake) -> Path:
    """A copy of that gallery, to be changed at will."""
    return Path(shutil.copytree(built, tmp_path / "digits.gallery"))


@pytest.fixture
def matcher(gallery):
    with Matcher.open(gallery) as matcher:
        yield matcher


@pytest.fixture
def scans(tmp_path, queries) -> Path:
    """Forty test digits as PNG files, 00.png to 39.png; 05.png is cut off, 06.png is text."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for place, record in enumerate(queries):
        Image.fromarray(record.pixels()).save(folder / f"{place:02}.png")
    whole = (folder / "05.png").read_bytes()
    (folder / "05.png").write_bytes(whole[: len(whole) // 2])
    (folder / "06.png").write_text("not a picture")
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A server of this process's own, with a role that may make galleries and one that reads."""
    if binaries() is None:
        pytest.skip("no PostgreSQL server is installed")
    server = Server()
    try:
        server.start()
        for role in ("owner", "reader"):
            server.sql(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
        server.sql("GRANT CREATE ON DATABASE postgres TO owner")
        yield server
    finally:
        server.remove()


@pytest.fixture
def postgres(
    postgres_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """That server without galleries; passwords and cache are in the environment."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    monkeypatch.setenv("LIKEWISE_CACHE", str(tmp_path / "cache"))
    yield postgres_server
    if not postgres_server.answers():
        postgres_server.start()
    asked = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'likewise%'"
    for (schema,) in postgres_server.sql(asked):
        postgres_server.sql(f'DROP SCHEMA "{schema}" CASCADE')
