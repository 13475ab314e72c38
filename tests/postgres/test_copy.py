"""A copy into a database, or out of it, that is cut off goes on when it is begun again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from index.address import place_of
from index.backup import copy_gallery
from index.errors import BusyError, GalleryError, StoreError, UnreachableError
from index.gallery import Gallery
from index.operating_point import OperatingPoint
from index.references import copying
from index.storage.directory import continued
from tests.postgres_server import Server

ROWS = 50
PART = 'SELECT count(*) FROM "likewise_copy.part".reference'
SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'likewise\\_%' ORDER BY nspname"

# Copies by ten rows at a time and kills itself once half of them are there.
KILLED = """
import os, signal, sys
from index.address import place_of
from index.backup import copy_gallery
from index.references import copying

copying._STEP = 10
done = 0

def progress(more):
    global done
    done += more
    if done >= 30:
        os.kill(os.getpid(), signal.SIGKILL)

copy_gallery(place_of(sys.argv[1]), place_of(sys.argv[2]), progress=progress)
"""


class CutOffError(Exception):
    """The copy's process went."""


@pytest.fixture
def here(tmp_path, rng, monkeypatch) -> Path:
    """Fifty references, of which ten go into each step, with a calibration."""
    monkeypatch.setattr(copying, "_STEP", 10)
    path = tmp_path / "here.gallery"
    with Gallery.create(path, dim=4, fingerprint="3f9a1c") as gallery:
        vectors = rng.normal(size=(ROWS, 4)).astype(np.float32)
        gallery.add([f"r{place:02}" for place in range(ROWS)], vectors, ["x", None] * (ROWS // 2))
        gallery.remove(["r07"])
        gallery.points.store("p", OperatingPoint(threshold=1.0), unknown=np.ones(2, np.float32))
    return path


def killed(source: object, target: object) -> None:
    """Copy in a process that is killed in the middle."""
    words = [sys.executable, "-c", KILLED, str(source), str(target)]
    done = subprocess.run(words, cwd=Path(__file__).parents[2], env=os.environ, check=False)
    assert done.returncode == -9


def copied(source: object, target: object) -> list[int]:
    """Copy to the end; returns the steps by which references came."""
    steps: list[int] = []
    copy_gallery(place_of(str(source)), place_of(str(target)), progress=steps.append)
    return steps


def require_same(one: object, other: object) -> None:
    with Gallery.open(str(one)) as first, Gallery.open(str(other)) as second:
        second.verify()
        assert (first.generation, first.checksum) == (second.generation, second.checksum)
        assert first.points.all() == second.points.all()
        evidence = [gallery.points.evidence("p").unknown.tolist() for gallery in (first, second)]
        assert evidence[0] == evidence[1]
        assert first.search(np.eye(4, dtype=np.float32), 5).ids.tolist() == (
            second.search(np.eye(4, dtype=np.float32), 5).ids.tolist()
        )


def test_a_copy_into_a_database_that_was_killed_goes_on(postgres: Server, here):
    there = postgres.url("copy")
    killed(here, there)
    assert postgres.sql(SCHEMAS) == [("likewise_copy.part",)]
    with pytest.raises(GalleryError, match="no gallery"):
        Gallery.open(there)
    assert copied(here, there) == [30, 10, 9]
    assert postgres.sql(SCHEMAS) == [("likewise_copy",)]
    require_same(here, there)


def test_a_copy_out_of_a_database_that_was_killed_goes_on(postgres: Server, here, tmp_path):
    there, back = postgres.url("copy"), tmp_path / "back.gallery"
    copied(here, there)
    killed(there, back)
    assert sorted(path.name for path in tmp_path.glob("back*")) == ["back.gallery.part"]
    with pytest.raises(GalleryError, match="was cut off: begin it again, and it"):
        Gallery.open(back)
    assert copied(there, back) == [30, 10, 9]
    assert sorted(path.name for path in tmp_path.glob("back*")) == ["back.gallery"]
    require_same(here, back)


def test_changes_between_two_attempts_are_in_the_copy(postgres: Server, here):
    there = postgres.url("copy")
    killed(here, there)
    with Gallery.open(here) as gallery:
        gallery.remove(["r00", "r01"])
        gallery.add(["r02"], np.ones((1, 4), np.float32), ["new"])
    assert copied(here, there) == [27, 10, 10]  # without r00, r01 and r02
    require_same(here, there)


def test_of_two_copies_to_one_name_the_one_that_began_later_goes_on(postgres: Server, here):
    there = postgres.url("copy")

    def overtaken(more: int) -> None:
        if postgres.sql(SCHEMAS) != [("likewise_copy",)] and more == 10:
            copied(here, there)

    with pytest.raises(GalleryError, match=r"Another copy to '.*#copy' began later"):
        copy_gallery(here, place_of(there), progress=overtaken)
    assert postgres.sql(SCHEMAS) == [("likewise_copy",)]
    require_same(here, there)


def test_a_name_that_is_taken_is_refused_at_once(postgres: Server, here):
    copied(here, postgres.url("copy"))
    with pytest.raises(GalleryError, match="exists already"):
        copied(here, postgres.url("copy"))
    assert postgres.sql(SCHEMAS) == [("likewise_copy",)]


def test_each_attempt_goes_on_where_the_one_before_was_cut_off(postgres: Server, here):
    for attempt in (1, 2, 3):
        steps: list[int] = []

        def once(more: int, steps: list[int] = steps) -> None:
            steps.append(more)
            if len(steps) == 2:  # what was there, and ten more
                raise CutOffError

        with pytest.raises(CutOffError):
            copy_gallery(here, place_of(postgres.url("copy")), progress=once)
        assert postgres.sql(PART) == [(10 * attempt,)]
    assert copied(here, postgres.url("copy")) == [30, 10, 9]


@pytest.fixture
def maker(postgres: Server):
    """A role that may make galleries."""
    postgres.sql("CREATE ROLE maker LOGIN PASSWORD 'secret'")
    postgres.sql("GRANT CREATE ON DATABASE postgres TO maker")
    yield postgres.url("copy", user="maker", password="secret")
    postgres.sql("DROP OWNED BY maker CASCADE")
    postgres.sql("DROP ROLE maker")


def test_what_another_role_left_is_named(postgres: Server, here, maker):
    killed(here, postgres.url("copy"))
    with pytest.raises(
        GalleryError, match=r'belongs to another role.*drop the schema "likewise_copy.p'
    ):
        copied(here, maker)
    assert postgres.sql(PART) == [(30,)]


def test_the_name_is_there_once_all_is_verified(postgres: Server, here, monkeypatch):
    def seen(target, state):
        assert postgres.sql(SCHEMAS) == [("likewise_copy.part",)]
        verify(target, state)
        called.append(state.count)

    called: list[int] = []
    verify = copying.prove_rows
    monkeypatch.setattr("index.postgres.copying.prove_rows", seen)
    copied(here, postgres.url("copy"))
    assert called == [ROWS - 1]


def test_a_row_that_was_altered_meanwhile_makes_the_copy_begin_anew(postgres: Server, here):
    def altered(more: int) -> None:
        if more == 9:
            postgres.sql("UPDATE \"likewise_copy.part\".reference SET label = 'z' WHERE slot = 3")

    with pytest.raises(StoreError, match=r"row 3 does not match .*and was removed"):
        copy_gallery(here, place_of(postgres.url("copy")), progress=altered)
    assert postgres.sql(SCHEMAS) == []
    assert copied(here, postgres.url("copy")) == [0, 10, 10, 10, 10, 9]


def test_a_server_that_is_away_while_all_is_verified_loses_nothing(
    postgres: Server, here, monkeypatch
):
    def cut(target, state):
        raise UnreachableError("the connection was lost")

    prove = copying.prove_rows
    monkeypatch.setattr("index.postgres.copying.prove_rows", cut)
    with pytest.raises(UnreachableError):
        copied(here, postgres.url("copy"))
    monkeypatch.setattr("index.postgres.copying.prove_rows", prove)
    assert copied(here, postgres.url("copy")) == [49]


def test_evidence_of_an_earlier_attempt_is_not_in_the_copy(postgres: Server, here, tmp_path):
    there, back = postgres.url("copy"), tmp_path / "back.gallery"
    copied(here, there)
    (tmp_path / "back.gallery.part").mkdir()
    stale = tmp_path / "back.gallery.part" / f"evidence-{'0' * 32}.npy"
    stale.write_bytes(b"of an earlier attempt")
    copied(there, back)
    assert len(list(back.glob("evidence-*"))) == 1
    assert not (back / stale.name).exists()


def test_a_gallery_of_the_users_own_is_not_taken_for_an_unfinished_copy(
    postgres: Server, here, tmp_path
):
    there, own = postgres.url("copy"), tmp_path / "back.gallery.part"
    copied(here, there)
    with Gallery.create(own, dim=4, fingerprint="3f9a1c") as gallery:
        gallery.add(["mine"], np.eye(1, 4, dtype=np.float32), ["own"])
    with pytest.raises(GalleryError, match=r"gallery.part' holds a gallery that is no copy of"):
        copied(there, tmp_path / "back.gallery")
    with Gallery.open(own) as gallery:
        assert gallery.labels == {"own": 1}


def test_a_copy_that_was_cut_off_while_it_was_verified_goes_on(
    postgres: Server, here, tmp_path, monkeypatch
):
    there, back = postgres.url("copy"), tmp_path / "back.gallery"
    copied(here, there)
    with monkeypatch.context() as patch:
        patch.setattr("index.backup._prove", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            copied(there, back)
    assert copied(there, back) == [49]
    require_same(here, back)


def test_two_processes_do_not_make_one_directory(tmp_path):
    with (
        continued(tmp_path / "g"),
        pytest.raises(BusyError, match="Another process is making"),
        continued(tmp_path / "g"),
    ):
        pass


def test_a_folder_of_the_users_own_is_not_taken_for_an_unfinished_copy(tmp_path):
    (tmp_path / "g.part").mkdir()
    (tmp_path / "g.part" / "holiday.jpg").write_bytes(b"a picture")
    with pytest.raises(GalleryError, match="is in the way"), continued(tmp_path / "g"):
        pass
    assert (tmp_path / "g.part" / "holiday.jpg").exists()
