"""The doctor at the command line."""

import json
import shutil

from click.testing import CliRunner

from cli import main
from index.gallery import Gallery


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
