"""Every input is a row, a count in the summary, or an error; one bad item never ends a run."""

from __future__ import annotations

import csv
import io
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from embedder.data.passed_over import PassedOver, is_shown
from embedder.data.sources import load, records
from embedder.errors import DatasetError, UnlabelledError
from likewise.enrolment import BATCH
from likewise.matcher import Matcher
from tests.inputs.trees import png, tree, zipped
from tests.likewise.commands.running import done, failure, run

# What lies beside two pictures, and what is said of it.
BESIDE: dict[str, tuple[list[str], str]] = {
    "pictures of no known format": (
        ["a/1.jxl", "a/2.jxl"], "2 files not named as a picture (2 .jxl), as a/1.jxl, a/2.jxl"
    ),
    "texts": (
        ["a/README", "notes.txt"], "2 files not named as a picture (1 without an ending, 1 .txt)"
    ),
    "hidden files": ([".DS_Store", "a/.hidden.png"], "2 hidden files, as .DS_Store, a/.hidden.png"),
    "hidden folders": ([".git/a.png"], "1 hidden file, as .git"),
    "five texts": (
        [f"{n}.txt" for n in range(5)],
        "5 files not named as a picture (5 .txt), as 0.txt, 1.txt, 2.txt and 2 others",
    ),
}  # fmt: skip


@pytest.mark.parametrize("source", ["folder", "zip"])
@pytest.mark.parametrize(("names", "sentence"), BESIDE.values(), ids=BESIDE)
def test_what_is_not_a_picture_is_counted_and_named(gallery, tmp_path, names, sentence, source):
    top = tree(tmp_path / "in", ["a/1.png", "b/2.png", *names])
    path = top if source == "folder" else zipped(top)
    for command in (("check", gallery, path), ("build", tmp_path / "g", path)):
        assert f"Passed over in {path}: {sentence}" in done(*command).stderr


def test_nothing_is_reported_where_nothing_is_passed_over(gallery, tmp_path):
    top = tree(tmp_path / "in", ["a/1.png", "b/2.png"])
    assert "Passed over" not in done("check", gallery, top).stderr


def test_a_source_without_pictures_says_what_it_holds(gallery, tmp_path):
    top = tree(tmp_path / "in", ["1.jxl", "2.jxl"])
    for path in (top, zipped(top)):
        assert "2 files not named as a picture (2 .jxl)" in failure("check", gallery, path)


def test_files_without_an_ending_are_pictures_where_they_begin_as_such(tmp_path):
    top = tree(tmp_path / "in", ["a/README", "a/Makefile"])
    (top / "a" / "0f3c").write_bytes(png())
    for path in (top, zipped(top)):
        assert [record.id for record in records(path)] == ["a/0f3c"]


# ---------------------------------------------------------------- one bad item


def test_a_folder_that_may_not_be_listed_is_passed_over(tmp_path, monkeypatch):
    tree(tmp_path, ["0/1.png", "1/2.png", "lost+found/x.png"])
    scandir = os.scandir

    def refusing(path):
        if str(path).rstrip("/").endswith("lost+found"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    read = records(tmp_path)
    assert [record.label for record in read] == ["0", "1"]
    [note] = [note for note in read.notes if "Passed over" in note]
    assert "1 folder that cannot be listed, as lost+found/ (Permission denied)" in note


def test_a_folder_that_itself_may_not_be_listed_is_an_error(tmp_path, monkeypatch):
    def refusing(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(DatasetError, match=r"cannot be listed \(Permission denied\): allow"):
        records(tmp_path)


@pytest.mark.parametrize("place", [0, BATCH - 1, BATCH + 1])
def test_a_row_without_a_label_is_passed_over_wherever_it_stands(tmp_path, fake, place):
    count = BATCH + 2
    (tmp_path / "1.png").write_bytes(png())
    with (tmp_path / "list.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "id"])
        writer.writerows(["1.png", "" if n == place else "7", n] for n in range(count))
    output = done("build", tmp_path / "g", tmp_path / "list.csv").stderr
    assert f"Passed over as without a label: 1 picture, '{place}'." in output
    assert f"{count - 1} added" in output
    assert f"{count - 1} unchanged" in done("add", tmp_path / "g", tmp_path / "list.csv").stderr


def test_pictures_none_of_which_has_a_label_are_refused(tmp_path, fake):
    top = tree(tmp_path / "in", ["1.png", "2.png"])
    assert "1.png has no label, and a reference needs one" in failure("build", tmp_path / "g", top)
    with Matcher.create(tmp_path / "h", fake) as matcher, pytest.raises(UnlabelledError):
        matcher.add(records(top))


def test_a_training_passes_bad_pictures_over_and_names_them(tmp_path):
    top = tree(tmp_path / "in", ["a/1.png", "b/2.png", "cover.png", "a/README"])
    (top / "a" / "98.png").write_bytes(b"x" * 9)
    remarks: list[str] = []
    dataset = load(top, remarks=remarks)
    assert (dataset.ids, dataset.labels) == (["a/1.png", "b/2.png"], ["a", "b"])
    assert [line.partition(":")[0] for line in remarks] == [
        f"Labels in {top}", f"Passed over in {top}", "Passed over",
    ]  # fmt: skip
    assert "2 pictures. a/98.png cannot be read" in remarks[2]
    assert f"cover.png in {top} has no label" in remarks[2]
    with pytest.raises(DatasetError, match=r"a/98.png cannot be read"):
        load(top)


def test_a_training_without_any_good_picture_is_refused(tmp_path):
    top = tree(tmp_path / "in", ["1.png", "2.png"])
    with pytest.raises(DatasetError, match=r"1.png in .* has no label"):
        load(top, remarks=[])


# ---------------------------------------------------------------- links


def test_folders_that_link_to_each_other_are_read_once_under_their_own_labels(tmp_path):
    tree(tmp_path / "in", ["alice/1.png", "bob/2.png"])
    (tmp_path / "in" / "alice" / "friends").symlink_to("../bob")
    (tmp_path / "in" / "bob" / "friends").symlink_to("../alice")
    read = records(tmp_path / "in")
    assert [(record.id, record.label) for record in read] == [
        ("alice/1.png", "alice"), ("bob/2.png", "bob"),
    ]  # fmt: skip
    assert "2 links to what is read in its own place, as alice/friends/, bob/friends/" in str(
        read.notes
    )


def test_a_link_to_a_picture_of_another_label_is_passed_over(tmp_path):
    tree(tmp_path / "in", ["alice/1.png", "bob/2.png"])
    (tmp_path / "in" / "alice" / "bob.png").symlink_to("../bob/2.png")
    assert [record.id for record in records(tmp_path / "in")] == ["alice/1.png", "bob/2.png"]


# Where pictures lie to which links lead, and whether those are read through the links.
FARMS = {"beside the source": ("pool", True), "hidden in it": ("in/.annex", True)}


@pytest.mark.parametrize(("pool", "is_read"), FARMS.values(), ids=FARMS)
def test_links_to_pictures_that_are_not_read_in_their_own_place_are_followed(
    tmp_path, pool, is_read
):
    tree(tmp_path / pool, ["1.png", "folder/2.png"])
    (tmp_path / "in" / "alice").mkdir(parents=True)
    (tmp_path / "in" / "alice" / "1.png").symlink_to(tmp_path / pool / "1.png")
    (tmp_path / "in" / "bob").symlink_to(tmp_path / pool / "folder")
    read = [(record.id, record.label) for record in records(tmp_path / "in")]
    assert read == [("alice/1.png", "alice"), ("bob/2.png", "bob")]
    assert is_read


def test_many_folders_that_all_link_to_each_other_take_no_time(tmp_path):
    people = [f"p{n:02}" for n in range(12)]  # 12! paths
    tree(tmp_path, [f"{name}/1.png" for name in people])
    for name in people:
        for other in people:
            if other != name:
                (tmp_path / name / other).symlink_to(f"../{other}")
    assert len(list(records(tmp_path))) == 12


def test_a_link_in_a_zip_is_passed_over(tmp_path):
    link = zipfile.ZipInfo("b/2.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("a/1.png", png())
        archive.writestr(link, "../a/1.png")
    assert [record.id for record in records(tmp_path / "in.zip")] == ["a/1.png"]


# ---------------------------------------------------------------- names out of zips


def raw_zip(path: Path, names: list[bytes]) -> Path:
    """A zip whose names are these bytes, of which it does not say what they are."""
    stream = io.BytesIO()
    fills = [f"{place:02}".rjust(len(name), "x") for place, name in enumerate(names)]
    with zipfile.ZipFile(stream, "w") as archive:
        for place, fill in enumerate(fills):
            archive.writestr(fill, png(place))
    content = stream.getvalue()
    for fill, name in zip(fills, names, strict=True):
        content = content.replace(fill.encode(), name)
    path.write_bytes(content)
    return path


NAMES: dict[str, tuple[list[bytes], list[tuple[str, str]]]] = {
    "UTF-8 that is not said to be": (
        ["Müller/1.png".encode(), "Élodie/2.png".encode()],
        [("Müller/1.png", "Müller"), ("Élodie/2.png", "Élodie")],
    ),
    "decomposed, as a Mac writes them": (
        ["Mu\u0308ller/1.png".encode(), b"Bob/2.png"],
        [("Bob/2.png", "Bob"), ("Müller/1.png", "Müller")],
    ),
    "code page 437": (
        [b"M\x81ller/1.png", b"Bob/2.png"], [("Bob/2.png", "Bob"), ("Müller/1.png", "Müller")]
    ),
    "backslashes": (
        [b"zwei\\1.png", b"vier\\2.png"], [("vier/2.png", "vier"), ("zwei/1.png", "zwei")]
    ),
    "a backslash among slashes": (
        [b"a/1\\2.png", b"b/3.png"], [("a/1\\2.png", "a"), ("b/3.png", "b")]
    ),
    "from the current folder": ([b"./a/1.png", b"./b/2.png"], [("a/1.png", "a"), ("b/2.png", "b")]),
}  # fmt: skip


@pytest.mark.parametrize(("names", "read"), NAMES.values(), ids=NAMES)
def test_names_out_of_a_zip_are_those_that_were_packed(tmp_path, names, read):
    path = raw_zip(tmp_path / "in.zip", names)
    assert [(record.id, record.label) for record in records(path)] == read
    assert all(record.pixels().size for record in records(path))


# ---------------------------------------------------------------- arguments that mean other things


def test_bundled_data_says_that_a_folder_of_its_name_is_not_read(gallery, tmp_path, monkeypatch):
    tree(tmp_path / "mnist" / "train", ["cat/1.png", "dog/2.png"])
    monkeypatch.chdir(tmp_path)
    output = done("check", gallery, "mnist/test/00001").stderr
    assert "bundled" not in output
    shutil.copytree("mnist/train", "mnist/test/00001")
    output = done("check", gallery, "mnist/test/00001").stderr
    assert "mnist/test/00001 is bundled data. Your own mnist/test is not read" in output
    assert "write ./mnist/test/00001 for it" in output
    assert len(done("check", gallery, "./mnist/train").stdout.splitlines()) == 2


def test_folders_named_one_by_one_lead_to_the_folder_above(tmp_path, fake, monkeypatch):
    tree(tmp_path / "people", ["alice/1.png", "bob/2.png"])
    monkeypatch.chdir(tmp_path)
    output = failure("build", "g", "people/alice", "people/bob")
    assert "1.png has no label" in output
    assert "alice, bob, is not read: name the folder above, likewise build g people" in output
    assert run("build", "g", "people").exit_code == 0


def test_a_pipe_is_called_one(tmp_path):
    os.mkfifo(tmp_path / "list.csv")
    with pytest.raises(DatasetError, match="is a pipe, socket or device: name a file"):
        records(tmp_path / "list.csv")


@pytest.mark.parametrize(
    "name", ["../notes.txt", "./notes.txt", "a/.notes.txt", ".a/notes.txt", "__MACOSX/notes.txt"]
)
def test_what_is_hidden_is_counted_as_hidden_and_nothing_else_is(name):
    passed_over = PassedOver()
    passed_over.add_file(name)
    [(what, _)] = passed_over.counts
    assert what == ("file" if is_shown(name) else "hidden file")
    assert is_shown(name) == name.startswith(("../", "./"))
