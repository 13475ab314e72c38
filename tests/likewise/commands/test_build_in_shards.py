"""`likewise build --shard I/N` and `likewise merge`: many machines make the gallery of one."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import likewise
from tests.eventually import eventually
from tests.likewise.commands.running import done, failure, process, run


def in_shards(count: int, gallery: Path, *inputs: object) -> None:
    for number in range(1, count + 1):
        done("build", gallery, *inputs, "--shard", f"{number}/{count}")


def contents(gallery: Path) -> list[tuple[object, ...]]:
    """All rows of the references with their slots, checksums and pictures."""
    with closing(sqlite3.connect(gallery / "references.sqlite")) as database:
        rows = database.execute("SELECT * FROM reference ORDER BY slot")
        return rows.fetchall()


def test_the_parts_of_a_build_make_the_gallery_of_one_run(folder, tmp_path):
    whole, merged = tmp_path / "whole", tmp_path / "merged"
    report = done("build", whole, folder).stderr.replace("whole", "merged")
    in_shards(4, merged, folder)
    assert not merged.exists()
    told = done("merge", merged).stderr
    assert "30 added, 0 replaced, 0 unchanged, 0 unreadable" in told
    assert told.splitlines()[-1] in report
    assert contents(merged) == contents(whole)
    info = done("info", whole).stdout.replace("whole", "merged")
    assert done("info", merged).stdout == info


def test_a_gallery_that_was_merged_answers_and_grows_as_any_other(folder, tmp_path):
    in_shards(2, tmp_path / "g", folder)
    done("merge", tmp_path / "g")
    done("add", tmp_path / "g", "mnist/test/00000")
    with likewise.open(tmp_path / "g") as matcher:
        assert matcher.check("mnist/test/00000")[0].distance == 0
        matcher.gallery.verify()


def test_pictures_that_cannot_be_read_or_have_no_label_are_reported_by_the_merge(folder, tmp_path):
    (folder / "7" / "broken.png").write_bytes(b"not a picture")
    listed = tmp_path / "list.csv"
    paths = sorted(str(path) for path in folder.rglob("*.png"))
    labels = ["" if place % 5 == 0 else Path(path).parent.name for place, path in enumerate(paths)]
    rows = "".join(f"{path},{label}\n" for path, label in zip(paths, labels, strict=True))
    listed.write_text("path,label\n" + rows)
    whole = done("build", tmp_path / "whole", listed).stderr
    in_shards(3, tmp_path / "g", listed)
    merged = done("merge", tmp_path / "g").stderr
    for line in whole.replace("whole", "g").splitlines():
        if "Passed over as" in line or "added" in line or "broken.png" in line:
            assert line in merged
    assert contents(tmp_path / "g") == contents(tmp_path / "whole")


@pytest.fixture
def colliding(tmp_path) -> tuple[Path, Path]:
    """Two folders with a picture of the same name, of another digit each."""
    folders = (tmp_path / "one", tmp_path / "two")
    for number, folder in enumerate(folders):
        (folder / "d").mkdir(parents=True)
        for name in ("a", "b") if number == 0 else ("b", "c"):
            pixels = np.random.default_rng(ord(name) + number).integers(0, 256, (28, 28), np.uint8)
            Image.fromarray(pixels).save(folder / "d" / f"{name}.png")
    return folders


@pytest.mark.parametrize("choice", ["replace", "skip", "rename"])
def test_ids_that_collide_between_shards_are_dealt_with_as_in_one_run(colliding, tmp_path, choice):
    build = (*colliding, "--model", "digits", "--on-conflict", choice)
    done("build", tmp_path / "whole", *build)
    in_shards(2, tmp_path / "g", *build)
    done("merge", tmp_path / "g")
    assert contents(tmp_path / "g") == contents(tmp_path / "whole")


def test_ids_that_collide_are_refused_and_nothing_is_made(colliding, tmp_path):
    in_shards(2, tmp_path / "g", *colliding, "--model", "digits")
    before = sorted(tmp_path.iterdir())
    assert "1 picture has the id of another picture" in failure("merge", tmp_path / "g")
    assert sorted(tmp_path.iterdir()) == before


def test_without_any_label_nothing_is_made(folder, tmp_path):
    listed = tmp_path / "list.csv"
    paths = sorted(folder.rglob("*.png"))
    listed.write_text("path,label\n" + "".join(f"{path},\n" for path in paths))
    in_shards(2, tmp_path / "g", listed)
    assert "has no label, and a reference needs one" in failure("merge", tmp_path / "g")
    assert not (tmp_path / "g").exists()


def test_pictures_without_labels_are_built_in_shards_too(folder, tmp_path):
    done("build", tmp_path / "whole", folder, "--unlabelled")
    in_shards(2, tmp_path / "g", folder, "--unlabelled")
    done("merge", tmp_path / "g")
    assert contents(tmp_path / "g") == contents(tmp_path / "whole")


def test_what_stands_where_the_gallery_should_be_is_not_replaced(folder, tmp_path):
    in_shards(2, tmp_path / "g", folder)
    done("merge", tmp_path / "g")
    assert "exists already" in failure("merge", tmp_path / "g")
    assert "exists already" in failure("build", tmp_path / "g", folder, "--shard", "1/2")


def test_shards_that_were_built_with_another_model_are_refused(folder, tmp_path):
    model = tmp_path / "model"
    with likewise.build(tmp_path / "source", "mnist/test/00000") as matcher:
        shutil.copytree(matcher.embedder.path, model)
    done("build", tmp_path / "g", folder, "--shard", "1/2")
    done("build", tmp_path / "g", folder, "--shard", "2/2", "--model", model)
    assert "are of different jobs: model" in failure("merge", tmp_path / "g")


def test_parts_whose_labels_were_read_in_another_way_are_refused(folder, tmp_path):
    done("build", tmp_path / "g", folder, "--shard", "1/2")
    done("build", tmp_path / "g", folder, "--label", "x", "--shard", "2/2")
    message = failure("merge", tmp_path / "g")
    assert "are of different inputs: their ids, labels or order differ" in message


def test_parts_of_two_commands_are_refused_by_name(gallery, folder, tmp_path):
    done("build", tmp_path / "g.csv", folder, "--shard", "1/2")
    done("check", gallery, folder, "-o", tmp_path / "g.csv", "--shard", "2/2")
    message = failure("merge", tmp_path / "g.csv")
    assert "g.csv.part-2-of-2 is of likewise check, and" in message
    assert "g.csv.part-1-of-2 of likewise build" in message


@pytest.mark.costly
def test_a_shard_that_runs_twice_at_a_time_makes_one_whole_part(copies, tmp_path):
    build = ("build", tmp_path / "g", copies, "--model", "digits", "--unlabelled", "--shard", "1/2")
    first = process(1, *build)
    eventually(lambda: list(tmp_path.glob(".g.part-1-of-2.*")))
    second = process(1000, *build)
    second.communicate(b"")
    part = (tmp_path / "g.part-1-of-2").read_bytes()
    first.communicate(b"")
    assert (first.returncode, second.returncode) == (0, 0)
    assert (tmp_path / "g.part-1-of-2").read_bytes() == part
    assert not list(tmp_path.glob(".g.*"))


@pytest.mark.costly
def test_a_shard_that_is_told_to_end_leaves_nothing(copies, tmp_path):
    build = ("build", tmp_path / "g", copies, "--model", "digits", "--unlabelled", "--shard", "1/2")
    running = process(1, *build)
    eventually(lambda: list(tmp_path.glob(".g.part-1-of-2.*")))
    running.send_signal(signal.SIGTERM)
    running.communicate(b"")
    assert running.returncode == 130
    assert not list(tmp_path.glob("*g.part*"))


def test_a_shard_without_anything_to_enrol_says_so(folder, tmp_path):
    listed = tmp_path / "list.csv"
    listed.write_text(f"path,label\n{next(folder.rglob('*.png'))},\n")
    told = done("build", tmp_path / "g", listed, "--shard", "1/1").stderr
    assert "Warning: no picture of this shard can become a reference." in told


def test_a_model_that_is_gone_is_named(folder, tmp_path):
    model = tmp_path / "model"
    with likewise.build(tmp_path / "source", "mnist/test/00000") as matcher:
        shutil.copytree(matcher.embedder.path, model)
    in_shards(2, tmp_path / "g", folder, "--model", model)
    shutil.rmtree(model)
    message = failure("merge", tmp_path / "g")
    assert f"The model {model}, with which the parts were made, is not here" in message


def test_a_part_that_was_altered_makes_no_gallery(folder, tmp_path):
    in_shards(2, tmp_path / "g", folder)
    part = tmp_path / "g.part-2-of-2"
    content = bytearray(part.read_bytes())
    content[-2000] ^= 1  # within a picture
    part.write_bytes(content)
    assert "part-2-of-2 is no whole part, or was altered" in failure("merge", tmp_path / "g")
    assert not (tmp_path / "g").exists()


def test_a_database_is_led_to_copy(folder):
    message = failure("build", "postgresql://db.example/shop#shoes", folder, "--shard", "1/2")
    assert "likewise copy DIRECTORY postgresql://db.example/shop#shoes" in message


@pytest.mark.costly
def test_a_killed_shard_leaves_no_part_and_is_run_again(copies, tmp_path):
    build = ("build", tmp_path / "g", copies, "--model", "digits", "--unlabelled", "--shard")
    done(*build, "1/2")
    running = process(1, *build, "2/2")
    eventually(lambda: list(tmp_path.glob(".g.part-2-of-2.*")))
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert "part-2-of-2 is missing: run its shard with --shard 2/2" in failure(
        "merge", tmp_path / "g"
    )
    done(*build, "2/2")
    assert not list(tmp_path.glob(".g.*"))
    done("merge", tmp_path / "g")
    done("build", tmp_path / "whole", copies, "--model", "digits", "--unlabelled")
    assert contents(tmp_path / "g") == contents(tmp_path / "whole")


def test_a_shard_of_no_pictures_makes_an_empty_part(tmp_path):
    in_shards(3, tmp_path / "g", "mnist/test/00000")
    assert run("merge", tmp_path / "g").exit_code == 0
    assert len(contents(tmp_path / "g")) == 1
