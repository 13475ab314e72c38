"""A standby takes over: nothing acknowledged is lost with a synchronous one, else it is noticed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from index.address import place_of
from index.errors import GalleryError, OlderStateError, ReadOnlyError
from index.gallery import Gallery
from index.recovery import accept_older
from tests.eventually import eventually
from tests.postgres_server import PASSWORD, Server, binaries

ONE = np.eye(2, dtype=np.float32)


@pytest.fixture
def pair(tmp_path, monkeypatch) -> Iterator[tuple[Server, Server]]:
    """A primary and its standby."""
    if binaries() is None:
        pytest.skip("no PostgreSQL server is installed")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    monkeypatch.setenv("LIKEWISE_CACHE", str(tmp_path / "cache"))
    servers: list[Server] = []
    try:
        servers.append(Server())
        servers[0].start()
        servers[0].sql(f"CREATE ROLE owner LOGIN PASSWORD '{PASSWORD}'")
        servers[0].sql("GRANT CREATE ON DATABASE postgres TO owner")
        servers.append(Server(servers[0]))
        servers[1].start()
        yield servers[0], servers[1]
    finally:
        for server in servers:
            server.remove()


def both(pair: tuple[Server, Server]) -> str:
    """An address that leads to whichever of the two takes changes."""
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in pair)
    return f"postgresql://owner@{hosts}/postgres?target_session_attrs=read-write#pets"


@pytest.mark.slow
def test_a_synchronous_standby_has_all_that_was_acknowledged(pair):
    primary, standby = pair
    primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
    primary.sql("SELECT pg_reload_conf()")
    states = "SELECT sync_state FROM pg_stat_replication"
    eventually(lambda: primary.sql(states) == [("sync",)])
    with Gallery.create(both(pair), dim=2, fingerprint="3f9a1c") as gallery:
        for place in range(30):
            gallery.add([f"{place:02}"], ONE[:1], ["cat"])
        primary.kill()
        with pytest.raises(GalleryError):
            len(gallery)
        standby.promote()
        assert list(gallery.ids()) == [f"{place:02}" for place in range(30)]
        gallery.add(["new"], ONE[1:], ["dog"])
        gallery.verify()
    with Gallery.open(standby.url("pets")) as gallery:
        assert (len(gallery), gallery.generation) == (31, 31)


@pytest.mark.slow
def test_an_asynchronous_standby_that_lacks_changes_is_noticed(pair):
    _, standby = pair
    with Gallery.create(both(pair), dim=2, fingerprint="3f9a1c") as gallery:
        gallery.add(["a"], ONE[:1], ["cat"])
        replayed = "SELECT count(*) FROM likewise_pets.reference"
        eventually(lambda: standby.sql(replayed) == [(1,)], retry=Exception)
        with Gallery.open(standby.url("pets")) as reader:
            assert len(reader) == 1
            with pytest.raises(ReadOnlyError, match="or this server is a standby"):
                reader.add(["b"], ONE[:1], ["cat"])
        standby.sql("SELECT pg_wal_replay_pause()")
        gallery.add(["lost"], ONE[1:], ["dog"])  # acknowledged, and not replayed
        with pytest.raises(OlderStateError, match="this server is a replica that lags behind"):
            Gallery.open(standby.url("pets"))
        standby.sql("SELECT pg_wal_replay_resume()")
        eventually(lambda: standby.sql(replayed) == [(2,)])
        with Gallery.open(standby.url("pets")) as reader:
            assert len(reader) == 2


@pytest.mark.slow
def test_what_an_asynchronous_standby_never_got_is_lost_and_said_to_be(pair):
    primary, standby = pair
    with Gallery.create(both(pair), dim=2, fingerprint="3f9a1c") as gallery:
        gallery.add(["a"], ONE[:1], ["cat"])
        replayed = "SELECT count(*) FROM likewise_pets.reference"
        eventually(lambda: standby.sql(replayed) == [(1,)], retry=Exception)
        standby.stop()
        gallery.add(["lost"], ONE[1:], ["dog"])  # acknowledged by the primary alone
        primary.kill()
        standby.start()
        standby.promote()
        with pytest.raises(OlderStateError, match="generation 2 with 2 was acknowledged"):
            len(gallery)
    assert accept_older(place_of(both(pair))).generation == 3
    with Gallery.open(both(pair)) as gallery:
        assert list(gallery.ids()) == ["a"]
        gallery.add(["b"], ONE[:1], ["cat"])
        assert gallery.search(ONE[:1], 2).ids.tolist() == [["a", "b"]]
