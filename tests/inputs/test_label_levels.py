"""Labels come from the one level of folders that divides; an ambiguous input is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.data.label_rule import NO_LABELS, LabelRule
from embedder.data.levels import Folders
from embedder.data.sources import load, records
from embedder.errors import DatasetError
from tests.inputs.trees import png, tree, zipped
from tests.likewise.commands.running import done, failure, rows

FACES = [f"att_faces/s{person}/{n}.png" for person in (1, 2, 3) for n in (1, 2)]
SUPPLIERS = [f"{s}/{s}-part{p}/{n}.png" for s in ("acme", "bolt") for p in (1, 2) for n in (1, 2)]
ALPHABETS = [
    f"{a}/character{c}/{n}.png" for a in ("Greek", "Latin") for c in (1, 2) for n in (1, 2)
]


def splits(*names: str) -> list[str]:
    return [f"{split}/{label}/{split}{n}.png" for split in names for label in "37" for n in (1, 2)]


# Files of a source, and how many pictures of each label come of it; None counts those without.
LAYOUTS: dict[str, tuple[list[str], dict[str | None, int]]] = {
    "a folder per label": (["3/a.png", "4/b.png"], {"3": 1, "4": 1}),
    "a folder around": (FACES, {"s1": 2, "s2": 2, "s3": 2}),
    "two folders around": ([f"orl/{name}" for name in FACES], {"s1": 2, "s2": 2, "s3": 2}),
    "a README without an ending": ([*FACES, "att_faces/README"], {"s1": 2, "s2": 2, "s3": 2}),
    "a README above": ([*FACES, "README", "LICENSE.txt"], {"s1": 2, "s2": 2, "s3": 2}),
    "a cover": ([*FACES, "att_faces/cover.png"], {"s1": 2, "s2": 2, "s3": 2, None: 1}),
    "a cover above": ([*FACES, "cover.png"], {"s1": 2, "s2": 2, "s3": 2, None: 1}),
    "a stray file beside": ([*FACES, "other/x.png"], {"s1": 2, "s2": 2, "s3": 2, None: 1}),
    "folders within labels": (["a/photos/1.png", "b/photos/2.png"], {"a": 1, "b": 1}),
    "labels of different depth": (["3/x/a.png", "3/y/b.png", "4/c.png"], {"3": 2, "4": 1}),
    "one label": (["alice/1.png", "alice/2.png"], {"alice": 2}),
    "one label in parts": (["alice/2023/1.png", "alice/2024/2.png"], {"2023": 1, "2024": 1}),
    "one part of a data set": (splits("train"), {"3": 2, "7": 2}),
    "one label in a part": (["train/3/1.png", "train/3/2.png"], {"3": 2}),
    "numbers that pandas wrote": (["7.0/a.png", "3.0/b.png"], {"7": 1, "3": 1}),
    "numbers and none of them": (["1/a.png", "2/b.png", "none/c.png"], {"1": 1, "2": 1, "none": 1}),
    "numbers and a country": (["1/a.png", "NA/b.png"], {"1": 1, "NA": 1}),
    "versions": (["7.0/a.png", "7.5/b.png"], {"7.0": 1, "7.5": 1}),
    "names with spaces around": (["cat /a.png", "dog/b.png"], {"cat": 1, "dog": 1}),
    "pictures in no folder": (["1.png", "2.png"], {None: 2}),
    "pictures of one part in no folder": (["train/cat.1.png", "train/dog.1.png"], {None: 2}),
}


@pytest.mark.parametrize("source", ["folder", "zip"])
@pytest.mark.parametrize(("names", "labels"), LAYOUTS.values(), ids=LAYOUTS)
def test_labels_come_from_the_level_that_divides(tmp_path, names, labels, source):
    top = tree(tmp_path / "in", names)
    read = records(top if source == "folder" else zipped(top))
    assert Counter(record.label for record in read) == labels


# Files of a source that is refused, and what the message says.
UNCLEAR: dict[str, tuple[list[str], list[str]]] = {
    "suppliers and parts": (
        SUPPLIERS,
        ["Level 1: 2 groups of 8 pictures, as acme, bolt", "Level 2: 4 groups of 8 pictures",
         "--label-level 1, or --label-level 2."],
    ),
    "alphabets and characters": (
        [*ALPHABETS, "Greek/cover.png", "Latin/cover.png", "README"],
        ["Level 1: 2 groups of 10 pictures", "Level 2: 2 groups of 8 pictures",
         "both together: 4 groups", "--label-from '^(?P<label>[^/]+/[^/]+)/'"],
    ),
    "within a folder": (
        [f"omniglot/{name}" for name in ALPHABETS],
        ["--label-level 2, or --label-level 3", "--label-from '^[^/]+/(?P<label>[^/]+/[^/]+)/'"],
    ),
    "people and years": (
        [f"{who}/{year}/{n}.png" for who in ("al", "bo") for year in (2023, 2024) for n in "12"],
        ["Level 1: 2 groups of 8 pictures, as al, bo", "Level 2: 2 groups of 8 pictures"],
    ),
    "train and test": (
        splits("train", "test"), ["the splits test, train, not labels", "--split test"]
    ),
    "training and testing": (splits("training", "testing"), ["the splits testing, training"]),
    "capitals": (splits("Train", "Val", "Test"), ["the splits Test, Train, Val"]),
    "with years": (splits("train2017", "val2017"), ["the splits train2017, val2017"]),
    "with words": (splits("train_set", "test-images"), ["the splits test-images, train_set"]),
    "folds": (splits("fold1", "fold2", "fold3"), ["the splits fold1, fold2, fold3"]),
    "within each label": (
        ["cat/train/1.png", "cat/test/2.png", "dog/train/3.png", "dog/test/4.png"],
        ["the splits test, train"],
    ),
    "test pictures in no folder": (
        [*splits("train"), "test/1.png", "test/2.png", "test/3.png"], ["the splits test, train"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("source", ["folder", "zip"])
@pytest.mark.parametrize(("names", "sentences"), UNCLEAR.values(), ids=UNCLEAR)
def test_where_it_is_unclear_the_source_is_refused_with_what_to_say(
    tmp_path, names, sentences, source
):
    top = tree(tmp_path / "in", names)
    with pytest.raises(DatasetError) as refused:
        records(top if source == "folder" else zipped(top))
    assert not [sentence for sentence in sentences if sentence not in str(refused.value)]


SPLITS: dict[str, tuple[list[str], str, dict[str | None, int]]] = {
    "by its name": (splits("train", "test"), "test", {"3": 2, "7": 2}),
    "by what it means": (splits("Training", "Testing"), "train", {"3": 2, "7": 2}),
    "another name": (splits("fold1", "fold2"), "fold2", {"3": 2, "7": 2}),
    "within a folder": ([f"in/{name}" for name in splits("train", "val")], "val", {"3": 2, "7": 2}),
    "within each label": (
        ["cat/train/1.png", "cat/test/2.png", "dog/train/3.png", "dog/test/4.png"],
        "train",
        {"cat": 1, "dog": 1},
    ),
}


@pytest.mark.parametrize("source", ["folder", "zip"])
@pytest.mark.parametrize(("names", "split", "labels"), SPLITS.values(), ids=SPLITS)
def test_one_split_is_read_where_it_is_named(tmp_path, names, split, labels, source):
    top = tree(tmp_path / "in", names)
    read = records(top if source == "folder" else zipped(top), split=split)
    assert (read.count(), Counter(record.label for record in read)) == (
        sum(labels.values()),
        labels,
    )
    assert any(note.endswith(" of other splits.") for note in read.notes)


RULES: dict[str, tuple[LabelRule, dict[str | None, int]]] = {
    "the first level": (LabelRule(level=1), {"Greek": 4, "Latin": 4}),
    "the second level": (LabelRule(level=2), {"character1": 4, "character2": 4}),
    "a level below": (LabelRule(level=3), {None: 8}),
    "both levels": (
        LabelRule(pattern="^(?P<label>[^/]+/[^/]+)/"),
        {f"{a}/character{c}": 2 for a in ("Greek", "Latin") for c in (1, 2)},
    ),
    "the name of the file": (LabelRule(pattern=r"(?P<label>\d)\.png"), {"1": 4, "2": 4}),
    "a pattern that most do not match": (
        LabelRule(pattern="(?P<label>Greek)/"),
        {"Greek": 4, None: 4},
    ),
    "no labels": (NO_LABELS, {None: 8}),
}


@pytest.mark.parametrize("source", ["folder", "zip"])
@pytest.mark.parametrize(("rule", "labels"), RULES.values(), ids=RULES)
def test_a_rule_says_where_labels_are(tmp_path, rule, labels, source):
    top = tree(tmp_path / "in", ALPHABETS)
    read = records(top if source == "folder" else zipped(top), rule=rule)
    assert Counter(record.label for record in read) == labels


def test_a_rule_finds_labels_in_the_paths_of_a_list_and_of_a_pattern(tmp_path, monkeypatch):
    tree(tmp_path, ["p/cat/1.png", "p/dog/2.png"])
    (tmp_path / "list.csv").write_text("path\np/cat/1.png\np/dog/2.png\n")
    monkeypatch.chdir(tmp_path)
    for source in ("list.csv", "p/*/*.png"):
        read = records(source, rule=LabelRule(level=2))
        assert [record.label for record in read] == ["cat", "dog"]


def test_a_rule_does_not_take_the_place_of_labels_that_a_source_has(tmp_path):
    tree(tmp_path, ["p/cat/1.png"])
    (tmp_path / "list.csv").write_text("path,label\np/cat/1.png,dog\n")
    with pytest.raises(DatasetError, match=r"list.csv has its own labels, such as 'dog' for p/cat"):
        list(records(tmp_path / "list.csv", rule=LabelRule(level=2)))


@pytest.mark.parametrize(
    ("level", "pattern", "reason"),
    [
        (0, None, "counts from 1. Received: 0"),
        (1, "(?P<label>x)", "give one"),
        (None, "(", "no regular expression"),
        (None, "(?P<group>x)", r"no group `label`: write it as \(\?P<label>\.\.\.\)"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(level, pattern, reason):
    with pytest.raises(DatasetError, match=reason):
        LabelRule(level, pattern)


@given(
    st.dictionaries(st.sampled_from("abcde"), st.integers(2, 9), min_size=2),
    st.lists(st.sampled_from(["cover", "x/cover"]), max_size=1),
    st.integers(0, 3),
)
def test_neither_folders_around_nor_one_stray_picture_move_the_level(groups, stray, around):
    pictures = [(*["in"] * around, name) for name in groups]
    counts = {folder: groups[folder[-1]] * 5 for folder in pictures}
    for name in stray:
        folder = tuple(name.split("/")[:-1])
        counts[folder] = counts.get(folder, 0) + 1
    level = Folders(counts).label_level("in")
    assert level == around + 1


# ---------------------------------------------------------------- the commands


@pytest.fixture
def alphabets(tmp_path, fake) -> Path:
    return tree(tmp_path / "in", ALPHABETS)


def test_the_summary_says_which_groups_came_of_how_many_pictures(tmp_path, alphabets):
    tree(alphabets, ["README", "Greek/notes.txt", "Greek/.DS_Store"])
    output = done("build", tmp_path / "g", alphabets, "--label-level", 1).stderr
    assert "2 groups of 8 pictures (Greek, Latin), by the folders at level 1." in output
    assert "2 files not named as a picture (1 .txt, 1 without an ending), as Greek/n" in output
    assert "1 hidden file, as Greek/.DS_Store" in output


def test_the_summary_keeps_to_its_line_and_counts_no_picture_without_a_label(tmp_path, fake):
    path = tmp_path / "in.zip"
    with ZipFile(path, "w") as archive:
        for level, name in enumerate(("red\n\x1b[2J/0.png", "blue/1.png", "/outside.png")):
            archive.writestr(name, png(level))
    output = done("build", tmp_path / "g", path, "--label-level", 1).stderr
    assert "2 groups of 2 pictures (blue, red\\n\\x1b[2J), by the folders at level 1." in output


def test_every_command_that_reads_labels_takes_the_level(tmp_path, alphabets):
    gallery, level = tmp_path / "g", ("--label-level", 1)
    assert "Say which: --label-level 1" in failure("build", gallery, alphabets)
    assert not gallery.exists()
    done("build", gallery, alphabets, *level)
    assert "Say which" in failure("add", gallery, alphabets)
    assert "8 unchanged" in done("add", gallery, alphabets, *level).stderr
    others = tree(tmp_path / "others", ALPHABETS, first=50)
    assert "Say which" in failure("calibrate", gallery, others, "--fpir", 0.5)
    done("calibrate", gallery, others, "--fpir", 0.9, *level)
    assert "Say which" in failure("evaluate", gallery, others, "--out", tmp_path / "r")
    assert "Say which" in failure("embed", others, "-o", tmp_path / "v.parquet")
    done("embed", others, "-o", tmp_path / "v.npy")
    with pytest.raises(DatasetError, match="Say which"):
        load(others)
    assert Counter(load(others, rule=LabelRule(level=1)).labels) == {"Greek": 4, "Latin": 4}


def test_a_check_needs_no_labels_and_refuses_no_folder(gallery, tmp_path):
    for names in (ALPHABETS, splits("train", "test")):
        top = tree(tmp_path / names[0].partition("/")[0], names)
        assert len(rows("check", gallery, top)) == len(rows("check", gallery, zipped(top))) == 8
