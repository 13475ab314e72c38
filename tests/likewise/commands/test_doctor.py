"""The doctor at the command line."""

import json

from click.testing import CliRunner

from cli import main


def examined(gallery, *options):
    return CliRunner().invoke(main, ["doctor", str(gallery), *options])


def test_a_whole_gallery_is_called_whole_with_exit_status_0(gallery):
    done = examined(gallery)
    assert done.exit_code == 0, done.output
    assert "300 references of 10 groups: intact" in done.stdout


def test_json_holds_all_that_was_found(gallery):
    found = json.loads(examined(gallery, "--format", "json").stdout)
    assert (found["references"], found["broken"], found["search_recall"]) == (300, [], 1.0)
    assert {"duplicates", "mislabels", "outliers", "overlaps", "small_groups"} <= set(found)


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
