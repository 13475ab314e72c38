"""Two pictures with one id: refused before anything is written, or handled as requested."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embedder.data.records import Record, Records
from index.gallery import Gallery
from likewise.conflicts import ConflictError
from likewise.enrolment import BATCH
from likewise.matcher import Matcher
from tests.embedder.data.sources import idx
from tests.inputs.trees import tree, zipped
from tests.likewise.commands.running import done, failure

DAYS = ["alice/0.png", "alice/1.png", "bob/0.png"]


def folders(top: Path) -> tuple[Path, Path]:
    return tree(top / "monday", DAYS), tree(top / "tuesday", DAYS, first=50)


def zips(top: Path) -> tuple[Path, Path]:
    return zipped(folders(top)[0]), zipped(top / "tuesday")


def arrays(top: Path) -> tuple[Path, Path]:
    paths = []
    for folder in ("digits", "clothes"):
        (top / folder).mkdir()
        images = np.random.default_rng(len(folder)).integers(0, 256, (3, 28, 28), np.uint8)
        (top / folder / "t10k-images-idx3-ubyte").write_bytes(idx(images))
        labels = np.array([7, 7, 8], np.uint8)
        (top / folder / "t10k-labels-idx1-ubyte").write_bytes(idx(labels))
        paths.append(top / folder / "t10k-images-idx3-ubyte")
    return paths[0], paths[1]


def lists(top: Path) -> tuple[Path, Path]:
    for day in folders(top):
        rows = "".join(f"{name},{name[:3]},{name}\n" for name in DAYS)
        (day / "list.csv").write_text(f"path,label,id\n{rows}")
    return top / "monday" / "list.csv", top / "tuesday" / "list.csv"


# Ways in which two sources of three pictures each come to have the same ids.
SOURCES: dict[str, Callable[[Path], tuple[Path, Path]]] = {
    "folders": folders,
    "zips": zips,
    "IDX files": arrays,
    "lists": lists,
}

# What is asked for, and then what is said of both sources together, and how many references are.
ASKED = {
    "replace": ("3 added, 3 replaced, 0 unchanged,", 3),
    "skip": ("3 added, 0 replaced, 0 unchanged, 3 skipped,", 3),
    "rename": ("3 added, 0 replaced, 0 unchanged, 3 renamed,", 6),
}


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_two_sources_with_the_same_ids_are_refused_before_anything_is_written(tmp_path, fake, make):
    first, second = make(tmp_path)
    output = failure("build", tmp_path / "g", first, second)
    assert "3 pictures have ids of another picture or label" in output
    assert "Nothing was written" in output
    assert not (tmp_path / "g").exists()
    done("build", tmp_path / "g", first)
    with Gallery.open(tmp_path / "g") as gallery:
        before = gallery.generation
    assert "3 pictures have ids" in failure("add", tmp_path / "g", second)
    with Gallery.open(tmp_path / "g") as gallery:
        assert (gallery.generation, len(gallery)) == (before, 3)


@pytest.mark.parametrize("on_conflict", ASKED)
@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_what_is_asked_for_is_done_in_one_call_and_in_two(tmp_path, fake, make, on_conflict):
    sources, (sentence, held) = make(tmp_path), ASKED[on_conflict]
    together, apart = tmp_path / "together", tmp_path / "apart"
    assert sentence in done("build", together, *sources, "--on-conflict", on_conflict).stderr
    done("build", apart, sources[0])
    done("add", apart, sources[1], "--on-conflict", on_conflict)
    held_by: list[list[tuple[str, str | None, bytes | None]]] = []
    for path in (together, apart):
        with Gallery.open(path) as gallery:
            references = [gallery.get(id) for id in sorted(gallery.ids())]
            held_by.append([(r.id, r.label, r.content) for r in references])
    assert held_by[0] == held_by[1]
    assert len(held_by[0]) == held


@pytest.mark.parametrize("on_conflict", ["skip", "rename"])
def test_the_same_call_once_more_changes_nothing(tmp_path, fake, on_conflict):
    sources = folders(tmp_path)
    call = (*sources, "--on-conflict", on_conflict)
    done("build", tmp_path / "g", *call)
    assert "0 added, 0 replaced" in (output := done("add", tmp_path / "g", *call).stderr)
    assert "renamed" not in output


def test_the_source_is_stored_and_put_before_the_id(tmp_path, fake, monkeypatch):
    folders(tmp_path)
    monkeypatch.chdir(tmp_path)
    done("build", "g", "./monday/", "tuesday", "--on-conflict", "rename")
    with Gallery.open("g") as gallery:
        assert gallery.get("alice/0.png").metadata == {"source": "monday"}
        assert gallery.get("tuesday/alice/0.png").metadata == {"source": "tuesday"}


def test_the_same_picture_twice_is_not_a_collision(tmp_path, fake):
    first, _ = folders(tmp_path)
    output = done("build", tmp_path / "g", first, zipped(first)).stderr
    assert "3 added, 0 replaced, 3 unchanged" in output


def test_another_label_for_the_same_picture_is_a_collision(matcher, references):
    with pytest.raises(ConflictError, match=f"'{references[0].id}'"):
        matcher.add([replace(references[0], label="other")])
    report = matcher.add([replace(references[0], label="other")], on_conflict="skip")
    assert (report.skipped, matcher.gallery.get(references[0].id).label) == (1, references[0].label)


def test_a_collision_in_a_later_batch_is_found_before_the_first_is_written(tmp_path, fake):
    pictures = np.zeros((2, 28, 28), np.uint8)
    pictures[1, :14] = 200
    many = [Record(str(n), "7", pictures[0]) for n in range(BATCH + 1)]
    many.append(Record("0", "7", pictures[1]))
    with Matcher.create(tmp_path / "g", fake) as matcher:
        with pytest.raises(ConflictError, match="1 picture has the id"):
            matcher.add(Records(lambda: iter(many), len(many)))
        assert len(matcher.gallery) == 0
        with pytest.raises(ConflictError):
            matcher.add(iter(many))  # cannot be read twice: what came before stays
        assert len(matcher.gallery) > 0


def test_names_that_differ_in_their_spelling_alone_collide(tmp_path, fake):
    top = tree(tmp_path / "in", ["a/é.png", "a/e\u0301.png", "b/x.png"])
    assert "1 picture has the id of another picture or label" in failure(
        "build", tmp_path / "g", top
    )


# ---------------------------------------------------------------- two writers


def test_two_writers_at_once_each_count_what_they_did(tmp_path, fake, references):
    """Both add the same 300 records, half of which the other comes to first."""
    with Matcher.create(tmp_path / "g", fake):
        pass
    reports = []

    def add(records: list[Record]) -> None:
        with Matcher.open(tmp_path / "g") as matcher:
            reports.append(matcher.add(records))

    writers = [
        threading.Thread(target=add, args=(order,))
        for order in (references, list(reversed(references)))
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    first, second = reports
    assert first.added + second.added == len(references)
    assert first.unchanged + second.unchanged == len(references)
    assert first.replaced == second.replaced == 0


def test_what_another_writes_between_looking_and_storing_is_what_counts(matcher, queries):
    """The gallery changes after it was asked which ids it has, before the transaction begins."""
    gallery = matcher.gallery
    other = matcher.embedder.embed(queries[1].pixels()[None])

    def store_first(ids):
        found = Gallery.named(gallery, ids)
        with Gallery.open(gallery.path) as second:
            if "new" not in second:
                second.add(["new"], other, ["elsewhere"])
        return found

    gallery.named = store_first
    with pytest.raises(ConflictError, match="'new'"):
        matcher.add(iter([replace(queries[0], id="new")]))
    assert gallery.get("new").label == "elsewhere"
