"""`likewise remove`."""

from __future__ import annotations

import os

from PIL import Image

from tests.likewise.commands.running import (
    done,
    failure,
    run,
)


def test_remove_takes_ids_from_the_command_line_and_from_stdin(gallery, references):
    first, second, third = (record.id for record in references[:3])
    result = done("remove", gallery, first, "-", input=f"{second}\n{third}\n")
    assert "3 removed, 297 references" in result.stderr
    assert "'mnist/train/00000'" in failure("remove", gallery, first)


def test_blank_lines_on_stdin_are_no_ids(gallery, references):
    typed = f"{references[0].id}\n\n{references[1].id}\n\n"
    assert "2 removed, 298 references" in done("remove", gallery, "-", input=typed).stderr
    assert "0 removed, 298 references" in done("remove", gallery, "-", input="").stderr


def test_remove_of_a_missing_id_removes_nothing_unless_that_is_fine(gallery, references):
    known = references[0].id
    assert "nothing was removed" in failure("remove", gallery, known, "gone", "lost")
    assert "1 removed" in done("remove", gallery, known, "gone", "--missing-ok").stderr


def test_an_empty_id_is_named_as_such(gallery):
    result = run("remove", gallery, "")
    assert result.exit_code == 2
    assert "An ID is an empty text" in result.stderr


def test_a_file_whose_name_is_not_utf_8_is_removed_by_that_name(gallery, tmp_path, references):
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    Image.fromarray(references[0].pixels()).save(path, "PNG")
    done("add", gallery, path, "--label", "0")
    assert "1 removed" in done("remove", gallery, path).stderr


def test_an_empty_name_of_a_gallery_is_not_the_current_folder():
    refused = run("remove", "", "x")
    assert refused.exit_code == 2
    assert "The name of a gallery is an empty text" in refused.stderr
