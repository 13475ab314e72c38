"""Labels of two sources that mean the same are the same; labels without a match are reported."""

from __future__ import annotations

import csv
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from embedder.data.records import Record
from embedder.data.sources import records
from index.gallery import Gallery
from likewise.calibration.calibrate import calibrate
from likewise.evaluation.evaluate import evaluate
from likewise.joins import LabelJoin, UnmatchedLabelsError
from likewise.matcher import Matcher
from tests.likewise.commands.running import done, failure, rows

Labels = list[str | None]
BLANK = np.zeros((2, 2), np.uint8)


# ---------------------------------------------------------------- ways to write a column of labels


def pixels_csv(path: Path, labels: list) -> Path:
    with path.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["label", *(f"pixel{n}" for n in range(4))])
        writer.writerows([label, 0, 0, 0, 0] for label in labels)
    return path.with_suffix(".csv")


def list_csv(path: Path, labels: list) -> Path:
    with path.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["path", "label"], *(["a.png", label] for label in labels)])
    return path.with_suffix(".csv")


def jsonl(path: Path, labels: list) -> Path:
    lines = [json.dumps({"path": "a.png", "label": label}) for label in labels]
    path.with_suffix(".jsonl").write_text("\n".join(lines))
    return path.with_suffix(".jsonl")


def parquet(path: Path, labels: list) -> Path:
    table = pa.table({"path": ["a.png"] * len(labels), "label": pa.array(labels)})
    pq.write_table(table, path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


def npz(path: Path, labels: list) -> Path:
    images = np.zeros((len(labels), 2, 2), np.uint8)
    np.savez(path.with_suffix(".npz"), images=images, labels=np.array(labels))
    return path.with_suffix(".npz")


TEXTS = (pixels_csv, list_csv, jsonl, parquet, npz)

# What stands in a column of text, and what it means.
COLUMNS: dict[str, tuple[list[str], Labels]] = {
    "whole numbers": (["7", "10"], ["7", "10"]),
    "as pandas writes whole numbers beside a missing one": (["7.0", "10.0", ""], ["7", "10", None]),
    "a missing number as text": (["7.0", "nan", "<NA>"], ["7", None, None]),
    "as numpy.savetxt writes them": (["7.000000e+00", "1.000000e+01"], ["7", "10"]),
    "below zero": (["-1.0", "-0.0"], ["-1", "0"]),
    "spaces around": ([" 7", "8 "], ["7", "8"]),
    "versions": (["7.0", "7.1"], ["7.0", "7.1"]),
    "codes with leading zeros": (["007", "010"], ["007", "010"]),
    "codes in hexadecimal": (["1e5", "7a0"], ["1e5", "7a0"]),
    "names": (["nan", "Nan "], ["nan", "Nan"]),
    "composed and decomposed": (["é", "e\u0301"], ["é", "é"]),
}


@pytest.mark.parametrize("write", TEXTS)
@pytest.mark.parametrize(("written", "meant"), COLUMNS.values(), ids=COLUMNS)
def test_a_column_of_labels_is_read_alike_from_every_form(tmp_path, write, written, meant):
    path = write(tmp_path / "labels", written)
    assert [record.label for record in records(path)] == meant


NUMBERS: dict[str, tuple[Callable, list, Labels]] = {
    "floats in JSON": (jsonl, [7.0, None, 10], ["7", None, "10"]),
    "floats in Parquet": (parquet, [7.0, None, 10.0], ["7", None, "10"]),
    "floats in an array": (npz, [7.0, float("nan")], ["7", None]),
    "bytes in Parquet": (parquet, [b"cat", b"7.0"], ["cat", "7.0"]),
}


@pytest.mark.parametrize(("write", "written", "meant"), NUMBERS.values(), ids=NUMBERS)
def test_values_of_other_types_are_read_as_their_text(tmp_path, write, written, meant):
    assert [record.label for record in records(write(tmp_path / "labels", written))] == meant


# ---------------------------------------------------------------- a gallery and other data


def relabelled(queries: list[Record], change: Callable[[str], str]) -> list[Record]:
    return [Record(r.id, change(str(r.label)), r.image) for r in queries]


def strangers_first(number: int) -> Callable[[list[Record]], list[Record]]:
    """So many of the pictures are of groups that the gallery lacks."""

    def changed(queries: list[Record]) -> list[Record]:
        strange = [Record(r.id, f"stranger of {r.label}", r.image) for r in queries[:number]]
        return [*strange, *queries[number:]]

    return changed


def one_spelled_otherwise(queries: list[Record]) -> list[Record]:
    return [Record("odd", f"0{queries[0].label}", queries[0].image), *queries[1:]]


REFUSED = {
    "all labels written as floats": (
        lambda queries: relabelled(queries, "{}.0".format),
        r"none of 40 has such a label: '.\.0' \(\d+; the nearest is '.'\).*--unknown",
    ),
    "most labels unknown": (strangers_first(21), r"21 of 40 have labels that it lacks.*--unknown"),
    "one label with a leading zero": (
        one_spelled_otherwise,
        r"1 picture of group '07' would count as unknown, but there is a group '7'.*--unknown",
    ),
}


@pytest.mark.parametrize(("change", "sentence"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize(
    "measure",
    [
        lambda matcher, data: calibrate(matcher, data, fpir=0.1),
        lambda matcher, data: evaluate(matcher, data, seeds=1),
    ],
    ids=["calibrate", "evaluate"],
)
def test_known_pictures_that_are_mostly_strangers_are_refused(
    matcher, queries, measure, change, sentence
):
    before = matcher.gallery.points.all(), matcher.gallery.points.default
    files = sorted(matcher.gallery.path.glob("*.npy"))
    with pytest.raises(UnmatchedLabelsError, match=sentence):
        measure(matcher, change(queries))
    assert (matcher.gallery.points.all(), matcher.gallery.points.default) == before
    assert sorted(matcher.gallery.path.glob("*.npy")) == files


def test_the_same_pictures_are_strangers_when_passed_as_unknown(matcher, queries):
    point = calibrate(matcher, unknown=relabelled(queries, "x{}".format), fpir=0.1).point
    assert (point.mated, point.queries) == (0, 40)


def test_the_fewer_strangers_are_counted_and_shown(matcher, queries):
    made = calibrate(matcher, strangers_first(3)(queries), fpir=0.1)
    assert made.passed_over == [
        "3 pictures of 3 groups that the gallery lacks count as unknown: 'stranger of 7' (1), "
        "'stranger of 2' (1), 'stranger of 1' (1)."
    ]


def test_pictures_without_a_label_are_passed_over_and_named(matcher, queries):
    made = calibrate(matcher, [Record("a", None, BLANK), *queries], fpir=0.1)
    assert made.passed_over == ["Passed over as without a label: 1 picture, 'a'."]
    assert made.point == calibrate(matcher, queries, fpir=0.1).point


ALIKE = [("7.0", "7"), ("07", "7"), ("Jean Luc", "jean-luc"), ("STRASSE", "straße")]
APART = [("a", "A"), ("7", "70"), ("s1", "s10"), ("7.5", "75."), ("", "?")]


@pytest.mark.parametrize(("label", "group"), ALIKE)
def test_a_label_that_differs_in_spelling_alone_is_refused_at_any_share(label, group):
    join = LabelJoin([group, "z"], known=1000)
    join.count([label])
    with pytest.raises(UnmatchedLabelsError, match=f"there is a group '{group}'"):
        join.require()


@pytest.mark.parametrize(("label", "group"), APART)
def test_other_labels_may_be_groups_of_their_own(label, group):
    join = LabelJoin([group, "z"], known=1000)
    join.count([label])
    join.require()


# ---------------------------------------------------------------- composed and decomposed names


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


@pytest.fixture
def mac(tmp_path, fake) -> Path:
    """Pictures of two people as a Mac writes their names."""
    for place, name in enumerate(["Élodie", "Bob"]):
        folder = tmp_path / "mac" / decomposed(name)
        folder.mkdir(parents=True)
        Image.fromarray(np.full((28, 28), 90 * place, np.uint8)).save(folder / "1.png")
    return tmp_path / "mac"


def test_the_summary_counts_one_group_however_its_folders_are_spelled(tmp_path, mac):
    typed = mac / "Élodie"
    typed.mkdir()
    Image.fromarray(np.full((28, 28), 9, np.uint8)).save(typed / "2.png")
    written = done("build", tmp_path / "g", mac).stderr
    assert "2 groups of 3 pictures (Bob, Élodie), by the folders at level 1." in written


def test_what_is_typed_finds_what_a_mac_named(tmp_path, mac):
    done("build", tmp_path / "g", mac)
    (row, _) = rows("check", tmp_path / "g", mac, "--group", "Élodie")
    assert row["id"] == "Bob/1.png"
    done("remove", tmp_path / "g", "Élodie/1.png")
    assert "1 added, 0 replaced, 1 unchanged" in done("add", tmp_path / "g", mac).stderr


def test_a_gallery_that_holds_decomposed_names_is_asked_and_changed_as_any(tmp_path, mac, fake):
    """As galleries of earlier versions do."""
    name = decomposed("Élodie")
    with Matcher.create(tmp_path / "g", fake) as matcher:
        vector = fake.embed(np.zeros((1, 28, 28), np.uint8))
        matcher.gallery.add([f"{name}/1.png"], vector, [name])
    rows("check", tmp_path / "g", mac, "--group", "Élodie")
    with Gallery.open(tmp_path / "g") as gallery:
        assert "Élodie/1.png" in gallery
        assert gallery.get("Élodie/1.png").id == f"{name}/1.png"
        assert list(gallery.named(["Élodie/1.png"])) == ["Élodie/1.png"]
        assert gallery.remove(["Élodie/1.png"]) == 1


def test_a_group_that_is_not_there_is_refused_with_the_nearest(gallery):
    output = failure("check", gallery, "mnist/test/00000", "--group", "7.0")
    assert "has the label '7.0'; the nearest is '7'." in output
