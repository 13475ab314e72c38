"""The doctor at the command line."""

import json
import shutil

from click.testing import CliRunner

from cli import main
from index.examination import Examination, Mislabel
from index.gallery import Gallery
from likewise.commands.findings import text


def examined(gallery, *options):
    return CliRunner().invoke(main, ["doctor", str(gallery), *options])


def test_a_whole_gallery_is_called_whole_with_exit_status_0(gallery):
    done = examined(gallery)
    assert done.exit_code == 0, done.output
    assert "300 references of 10 groups: intact" in done.stdout


def test_json_holds_all_that_was_found(gallery):
    result = json.loads(examined(gallery, "--format", "json").stdout)
    assert (result["references"], result["broken"], result["search_recall"]) == (300, [], 1.0)
    assert {"duplicates", "mislabels", "outliers", "overlaps", "small_groups"} <= set(result)


def findings(nearest_right, outliers=1):
    return text(
        Examination(
            references=100,
            groups=2,
            threshold=0.5,
            mislabels=[Mislabel("a", "cat", "dog", 5, 0.1)],
            nearest_right=nearest_right,
            outliers=[(f"r{n}", 0.6) for n in range(outliers)],
        ),
        "pets.gallery",
    )


def test_labels_are_blamed_only_where_neighbours_mostly_agree_with_them():
    assert "1 reference probably mislabelled:" in findings(0.95)
    blamed = findings(0.8)
    assert "probably mislabelled" not in blamed
    assert "Only 80 % of all have a nearest other of their own group" in blamed
    assert "likewise train DATA --out MODEL" in blamed
    assert "a is labelled 'cat', but 5 of its nearest 5 are 'dog'" in blamed


def test_outliers_that_are_most_references_speak_against_the_threshold():
    assert "Check their labels" in findings(1.0, outliers=50)
    most = findings(1.0, outliers=51)
    assert "Check their labels" not in most
    assert "the threshold misses more than it finds" in most


def test_a_damaged_store_is_broken_with_exit_status_1(gallery):
    content = bytearray((gallery / "references.sqlite").read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    (gallery / "references.sqlite").write_bytes(content)
    done = examined(gallery)
    assert (done.exit_code, done.stdout.splitlines()[0]) == (1, "Damaged:")
    assert "references.sqlite" in done.stdout


def test_a_gallery_that_does_not_open_is_broken(gallery):
    (gallery / "gallery.json").write_text("{}")
    done = examined(gallery, "--format", "json")
    assert done.exit_code == 1
    assert "gallery.json" in json.loads(done.stdout)["broken"][0]


def test_no_gallery_is_an_error(tmp_path):
    done = examined(tmp_path / "none")
    assert done.exit_code == 1
    assert "no such directory" in done.stderr


def test_an_older_state_is_damage_until_it_is_accepted(gallery, tmp_path):
    older = shutil.copytree(gallery, tmp_path / "older")
    with Gallery.open(gallery) as changed:
        changed.remove(list(changed.ids())[:1])
    shutil.copyfile(older / "references.sqlite", gallery / "references.sqlite")
    refused = examined(gallery)
    assert refused.exit_code == 1
    command = f"likewise doctor {gallery} --accept-older"
    assert command in refused.stdout
    accepted = CliRunner().invoke(main, [*command.split()[1:], "--format", "json"])
    assert accepted.exit_code == 0
    assert f"{gallery} goes on from 300 references, as generation" in accepted.stderr
    assert examined(gallery).exit_code == 0
