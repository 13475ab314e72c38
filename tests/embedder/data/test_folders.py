"""Folders of pictures: order, labels, splits, links, pipes."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from embedder.data.listing import Listing
from embedder.data.records import Record
from embedder.data.sources import load, records
from embedder.errors import DatasetError, ImageError
from tests.embedder.data.sources import LABELS, PIXELS, idx, picture, rows


def test_a_folder_per_label_is_walked_in_order(tmp_path):
    for name in ("b/2.png", "b/10.png", "a/x.jpg", "a/deep/y.png", "a/notes.txt", "a/.hidden.png"):
        picture(tmp_path / name) if name[-1] == "g" else (tmp_path / name).write_text("x")
    assert rows(tmp_path) == [
        ("a/deep/y.png", "a"),
        ("a/x.jpg", "a"),
        ("b/10.png", "b"),
        ("b/2.png", "b"),
    ]


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["train/3/a.png", "train/4/b.png"], ["3", "4"]),
        (["data/train/3/a.png", "data/train/4/b.png"], ["3", "4"]),
        (["train/3/a.png", "train/4/b.png", "train/c.png"], ["3", "4", None]),
        (["alice/2024/a.png", "alice/2024/b.png"], ["alice", "alice"]),
        (["3/x/a.png", "3/y/b.png", "4/c.png"], ["3", "3", "4"]),
    ],
    ids=["wrapped", "wrapped twice", "pictures beside", "one group", "groups in parts"],
)
def test_labels_come_from_the_folders_that_divide(tmp_path, names, labels):
    (tmp_path / "in" / "__MACOSX" / "train").mkdir(parents=True)
    for name in names:
        picture(tmp_path / "in" / name)
    assert rows(tmp_path / "in") == list(zip(names, labels, strict=True))
    shutil.make_archive(str(tmp_path / "in"), "zip", tmp_path / "in")
    assert rows(tmp_path / "in.zip") == rows(tmp_path / "in")


def test_a_flat_folder_has_no_labels(tmp_path):
    picture(tmp_path / "1.png")
    (tmp_path / "0.png").write_text("damaged, but named like a picture")
    damaged, whole = records(tmp_path)
    assert (damaged.id, damaged.label, whole.id) == ("0.png", None, "1.png")
    with pytest.raises(ImageError):
        damaged.pixels()
    (tmp_path / "0.png").unlink()
    with pytest.raises(DatasetError, match=r"1.png .* has no label"):
        load(tmp_path)


def test_a_folder_of_splits_wants_one_named(tmp_path):
    top = tmp_path / "in"
    for name in ("train/a/1.png", "test/a/2.png"):
        picture(top / name)
    assert rows(top, split="test") == [("test/a/2.png", "a")]
    assert rows(top / "test") == [("a/2.png", "a")]
    for folder in (top, tmp_path):  # as they are, and with a folder around them
        with pytest.raises(DatasetError, match="holds the splits test, train, not labels"):
            records(folder)
    with pytest.raises(DatasetError, match="it has no folder 'val'"):
        records(top, split="val")


def test_a_folder_of_idx_files_names_the_one_to_take(tmp_path):
    for name, values in (("labels-idx1", LABELS), ("images-idx3", PIXELS)):
        (tmp_path / f"train-{name}-ubyte.gz").write_bytes(gzip.compress(idx(values)))
    with pytest.raises(DatasetError, match=r"name a file .*train-images-idx3-ubyte.gz\."):
        records(tmp_path)


def test_a_folder_that_links_to_itself_ends(tmp_path):
    picture(tmp_path / "a" / "1.png")
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    assert rows(tmp_path) == [("a/1.png", "a")]


def test_a_pipe_is_passed_over_in_a_folder_and_never_opened(tmp_path):
    picture(tmp_path / "in" / "a" / "1.png")
    os.mkfifo(tmp_path / "in" / "a" / "2.png")
    (tmp_path / "in" / "a" / "3.png").symlink_to(tmp_path / "in" / "a" / "1.png")
    assert rows(tmp_path / "in") == [("a/1.png", "a"), ("a/3.png", "a")]
    (tmp_path / "list.csv").write_text("path\nin/a/1.png\nin/a/2.png\n")
    _, pipe = records(tmp_path / "list.csv")
    with pytest.raises(ImageError, match="a pipe, socket or device"):
        pipe.pixels()


def test_names_that_are_no_utf_8_are_spelled_out_and_stay_apart(tmp_path):
    for name in (b"th\xe9/caf\xe9.png", b"th\xe9/caf\xe8.png", "thé/größe.png".encode()):
        picture(Path(os.fsdecode(os.fsencode(tmp_path) + b"/in/" + name)), 9)
    assert rows(tmp_path / "in") == [
        ("thé/größe.png", "thé"),
        (r"th\xe9/caf\xe8.png", r"th\xe9"),
        (r"th\xe9/caf\xe9.png", r"th\xe9"),
    ]
    assert [record.pixels()[0, 0] for record in records(tmp_path / "in")] == [9, 9, 9]
    assert Record("\ud800", None, np.zeros((1, 1), np.uint8)).id == r"\ud800"  # as JSON can say


def test_a_listing_keeps_names_sorted_with_folders_in_their_place(tmp_path):
    for name in ("c.png", "a.png", "b/2.png", "b/1.png", "d.png"):
        picture(tmp_path / name)
    (tmp_path / "empty").mkdir()
    listing = Listing(tmp_path)
    assert list(listing) == ["a.png", "b/1.png", "b/2.png", "c.png", "d.png"]
    assert list(listing) == list(listing)
    assert len(listing) == 5
    assert listing.folders().counts == {(): 3, ("b",): 2}


def test_a_gallery_within_a_folder_is_passed_over(tmp_path):
    """Its pictures are those of its model: a training curve, and pairs."""
    picture(tmp_path / "cat" / "1.png")
    picture(tmp_path / "pets.gallery" / "model" / "history.png")
    for name in ("gallery.json", "references.sqlite"):
        (tmp_path / "pets.gallery" / name).write_bytes(b"")
    stream = records(tmp_path)
    assert [record.id for record in stream] == ["cat/1.png"]
    assert any("1 folder of a gallery, as pets.gallery/" in note for note in stream.notes)
