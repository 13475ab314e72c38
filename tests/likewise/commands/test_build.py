"""`likewise build`."""

from __future__ import annotations

import signal

import pytest

from index.gallery import Gallery
from tests.eventually import eventually
from tests.likewise.commands.running import (
    done,
    failure,
    held,
    process,
    run,
)


def test_build_makes_a_gallery_of_a_folder_per_label(tmp_path, fake, folder):
    result = done("build", tmp_path / "new.gallery", folder)
    assert result.stdout == ""
    assert "30 added" in result.stderr
    with Gallery.open(tmp_path / "new.gallery") as gallery:
        assert gallery.labels == {path.name: len(list(path.iterdir())) for path in folder.iterdir()}


def test_build_where_a_gallery_is_names_add(gallery):
    assert f"likewise add {gallery} mnist/train" in failure("build", gallery, "mnist/train")


def test_build_from_a_misspelt_folder_leaves_nothing(tmp_path, fake):
    assert "no-such" in failure("build", tmp_path / "new.gallery", "no-such-folder")
    assert not (tmp_path / "new.gallery").exists()


def test_build_from_pictures_without_labels_says_where_labels_come_from(tmp_path, fake, scans):
    assert "00.png has no label" in failure("build", tmp_path / "new.gallery", scans)


def test_a_command_that_is_proposed_takes_no_input_for_an_option(
    tmp_path, fake, scans, monkeypatch
):
    scans.rename(tmp_path / "-scans")
    monkeypatch.chdir(tmp_path)
    proposed = failure("build", "new.gallery", "--", "-scans").partition("these pictures are: ")[2]
    assert proposed.startswith("likewise build new.gallery ./-scans --unlabelled")
    done(*proposed.partition(",")[0].split()[1:])


def test_build_tells_how_many_groups_came_of_it(tmp_path, folder):
    output = done("build", tmp_path / "new.gallery", folder).stderr
    groups = len({path.parent.name for path in folder.rglob("*.png")})
    assert f"30 references of {groups} groups in {tmp_path}" in output


def test_a_folder_that_is_not_a_gallery_is_not_advised_to_be_added_to(scans):
    assert f"{scans} exists already and is not a gallery" in failure("build", scans, "mnist/test")


def test_a_missing_model_is_one_line(tmp_path):
    assert "no-such-model" in failure(
        "build", tmp_path / "new.gallery", "mnist/test", "--model", tmp_path / "no-such-model"
    )
    assert not (tmp_path / "new.gallery").exists()


@pytest.mark.costly
def test_an_interrupted_build_says_what_is_there_and_how_to_go_on(tmp_path):
    path = tmp_path / "new.gallery"
    running = process(1, "build", path, "mnist/train")
    eventually(lambda: path.exists() and held(path))
    running.send_signal(signal.SIGINT)
    _, output = running.communicate(timeout=60)
    *_, counted, last = output.decode().splitlines()
    go_on = f"Continue: likewise add {path} mnist/train"
    assert counted == f"{path} has {held(path)} references so far. {go_on}"
    assert (running.returncode, last) == (130, "Interrupted.")


def test_a_build_that_fails_leaves_the_place_free_for_the_next_try(tmp_path, folder):
    unlabelled = next(folder.iterdir())
    assert "label" in failure("build", tmp_path / "new.gallery", unlabelled)
    assert not (tmp_path / "new.gallery").exists()


def test_pictures_of_one_id_in_a_build_are_refused(tmp_path, folder):
    assert run("build", tmp_path / "new.gallery", folder, folder).exit_code == 0  # the same ones
    pictures = sorted(folder.glob("*/*.png"))[:2]
    lines = ["path,label,id", *(f"{picture},7,same" for picture in pictures)]
    (tmp_path / "list.csv").write_text("\n".join(lines))
    output = failure("build", tmp_path / "listed.gallery", tmp_path / "list.csv")
    assert "1 picture has the id of another picture" in output
    assert not (tmp_path / "listed.gallery").exists()
