"""`--shard I/N` and `likewise merge`: many machines write what one would."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
from pathlib import Path

import pytest

from tests.likewise.commands.running import done, failure, process, run, wait_for_a_row


def in_shards(count: int, *command: object, input: bytes | None = None) -> None:
    for number in range(1, count + 1):
        done(*command, "--shard", f"{number}/{count}", input=input)


def made_elsewhere(part: Path, processor: str) -> None:
    """Write a part anew as another processor would have."""
    first, *rows, last = part.read_bytes().splitlines(keepends=True)
    settings = json.loads(first)
    settings["made_by"]["processor"] = processor
    body = b"".join([json.dumps(settings).encode() + b"\n", *rows])
    end = {**json.loads(last), "sha256": hashlib.sha256(body).hexdigest()}
    part.write_bytes(body + json.dumps(end).encode() + b"\n")


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_the_parts_of_a_check_make_what_one_run_writes(gallery, scans, tmp_path, ending):
    whole, output = tmp_path / f"whole.{ending}", tmp_path / f"rows.{ending}"
    done("check", gallery, scans, "-o", whole)  # 40 pictures, two of them unreadable
    in_shards(3, "check", gallery, scans, "-o", output)
    assert not output.exists()
    result = done("merge", output)
    assert result.stderr == f"Wrote 40 rows of 3 parts to {output}.\n"
    assert output.read_bytes() == whole.read_bytes()


def test_evidence_has_its_column_in_what_is_merged(gallery, scans, tmp_path):
    done("calibrate", gallery, "--fpir", 0.05)
    check = ("check", gallery, scans, "--evidence", "-k", 2)
    done(*check, "-o", tmp_path / "whole.csv")
    in_shards(2, *check, "-o", tmp_path / "rows.csv")
    done("merge", tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_every_shard_takes_its_own_of_the_same_list_on_stdin(gallery, scans, tmp_path):
    listed = "".join(f"{scans}/{place:02}.png\n" for place in range(40)).encode()
    done("check", gallery, "-", "-o", tmp_path / "whole.jsonl", input=listed)
    in_shards(7, "check", gallery, "-", "-o", tmp_path / "rows.jsonl", input=listed)
    done("merge", tmp_path / "rows.jsonl")
    assert (tmp_path / "rows.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_more_shards_than_pictures_leave_empty_parts(gallery, tmp_path):
    done("check", gallery, "mnist/test/00000", "-o", tmp_path / "whole.csv")
    in_shards(3, "check", gallery, "mnist/test/00000", "-o", tmp_path / "rows.csv")
    done("merge", tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize("ending", ["npy", "parquet"])
def test_the_parts_of_embed_make_what_one_run_writes(scans, tmp_path, ending):
    whole, output = tmp_path / f"whole.{ending}", tmp_path / f"vectors.{ending}"
    done("embed", scans, "-o", whole)
    in_shards(3, "embed", scans, "-o", output)
    done("merge", output)
    assert output.read_bytes() == whole.read_bytes()


@pytest.mark.costly
def test_a_killed_shard_goes_on_and_the_whole_is_the_same(gallery, copies, tmp_path):
    output, whole = tmp_path / "rows.jsonl", tmp_path / "whole.jsonl"
    done("check", gallery, copies, "-o", whole)
    shard = ("check", gallery, copies, "-o", output, "--shard")
    done(*shard, "1/2")
    running = process(1, *shard, "2/2")
    partial = Path(f"{output}.part-2-of-2.partial")
    wait_for_a_row(partial)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert partial.name.removesuffix(".partial") in failure("merge", output)
    assert "run its shard again with --shard 2/2 --resume" in failure("merge", output)
    assert not output.exists()
    done(*shard, "2/2", "--resume")
    done("merge", output)
    assert output.read_bytes() == whole.read_bytes()


def test_a_shard_that_is_run_again_after_its_end_has_nothing_to_do(gallery, scans, tmp_path):
    shard = ("check", gallery, scans, "-o", tmp_path / "rows.csv", "--shard", "1/2", "--resume")
    done(*shard)
    part = tmp_path / "rows.csv.part-1-of-2"
    before = part.read_bytes()
    assert done(*shard).stderr.rstrip().endswith("; 20 were done in an earlier run")
    assert part.read_bytes() == before
    assert "of another job: its group was none, not '7'" in failure(*shard, "--group", "7")


def test_a_part_that_another_processor_finished_is_whole_here_too(gallery, scans, tmp_path):
    shard = ("check", gallery, scans, "-o", tmp_path / "rows.csv", "--shard", "1/2", "--resume")
    done(*shard)
    part = tmp_path / "rows.csv.part-1-of-2"
    made_elsewhere(part, "another processor")
    before = part.read_bytes()
    assert done(*shard).stderr.rstrip().endswith("; 20 were done in an earlier run")
    assert part.read_bytes() == before


def test_a_whole_part_of_other_pictures_on_stdin_is_not_taken_for_this_one(
    gallery, scans, tmp_path
):
    listed = "".join(f"{scans}/{place:02}.png\n" for place in range(4)).encode()
    shard = ("check", gallery, "-", "-o", tmp_path / "rows.csv", "--shard", "1/2", "--resume")
    done(*shard, input=listed)
    result = run(*shard, input=listed[: len(listed) // 2])
    assert result.exit_code == 1
    assert "of another job: its inputs, or their order, differ" in result.stderr


@pytest.fixture
def parts(gallery, scans, tmp_path) -> list[Path]:
    """Three parts of rows.csv."""
    in_shards(3, "check", gallery, scans, "-o", tmp_path / "rows.csv")
    return [tmp_path / f"rows.csv.part-{number}-of-3" for number in (1, 2, 3)]


def refusal(parts: list[Path]) -> str:
    """Why the parts are not merged; nothing is written."""
    output = parts[0].parent / "rows.csv"
    message = failure("merge", output)
    assert not output.exists()
    assert not list(output.parent.glob("*.new"))
    return message


def test_a_missing_part_is_named_with_the_shard_that_makes_it(parts):
    parts[1].unlink()
    message = refusal(parts)
    assert "part-2-of-3 is missing: run its shard with --shard 2/3" in message


def test_without_any_part_the_option_is_named(tmp_path):
    assert "as `--shard 1/N` writes them" in failure("merge", tmp_path / "rows.csv")


def test_parts_of_two_divisions_are_not_mixed(parts):
    shutil.copy(parts[0], parts[0].with_name("rows.csv.part-1-of-4"))
    assert "into 3 and into 4" in refusal(parts)


@pytest.mark.parametrize("keep", [0.3, 0.999])
def test_a_part_that_was_cut_off_is_refused(parts, keep):
    content = parts[2].read_bytes()
    parts[2].write_bytes(content[: int(keep * len(content))])
    assert "part-3-of-3 is no whole part, or was altered: run its shard again" in refusal(parts)


def test_a_part_that_lost_a_row_is_refused(parts):
    lines = parts[0].read_bytes().splitlines(keepends=True)
    parts[0].write_bytes(b"".join(lines[:4] + lines[5:]))
    assert "part-1-of-3 is no whole part" in refusal(parts)


@pytest.mark.parametrize("place", [0, 3])
def test_a_part_whose_settings_or_rows_were_altered_is_refused(parts, place):
    lines = parts[1].read_bytes().splitlines(keepends=True)
    lines[place] = lines[place].replace(b"1", b"2", 1)
    parts[1].write_bytes(b"".join(lines))
    assert "part-2-of-3 is no whole part, or was altered" in refusal(parts)


def test_vectors_that_were_altered_are_refused(scans, tmp_path):
    in_shards(2, "embed", scans, "-o", tmp_path / "vectors.npy")
    part = tmp_path / "vectors.npy.part-1-of-2"
    content = bytearray(part.read_bytes())
    content[-400] ^= 1
    part.write_bytes(content)
    assert "part-1-of-2 is no whole part, or was altered" in failure(
        "merge", tmp_path / "vectors.npy"
    )


def test_a_part_with_another_name_is_refused(parts):
    shutil.copy(parts[0], parts[1])
    assert "part-2-of-3 is no whole part" in refusal(parts)


def test_parts_of_a_gallery_that_changed_between_them_are_refused(parts, gallery, scans, tmp_path):
    done("add", gallery, "mnist/test/00001")
    parts[2].unlink()
    done("check", gallery, scans, "-o", tmp_path / "rows.csv", "--shard", "3/3")
    assert "are of different jobs: gallery generation" in refusal(parts)


def test_parts_of_other_options_are_refused(parts, gallery, scans, tmp_path):
    parts[2].unlink()
    check = ("check", gallery, scans, "-o", tmp_path / "rows.csv", "--shard", "3/3")
    done(*check, "--threshold", 0.25)
    assert "are of different jobs: operating point" in refusal(parts)


def test_parts_of_other_pictures_are_refused(parts, gallery, tmp_path):
    parts[2].unlink()
    done("check", gallery, "mnist/test/00001", "-o", tmp_path / "rows.csv", "--shard", "3/3")
    assert "are of different inputs: 1 and 40 pictures" in refusal(parts)


def test_a_gallery_that_was_copied_to_another_path_is_the_same(parts, gallery, scans, tmp_path):
    parts[2].unlink()
    done("backup", gallery, tmp_path / "copy")
    done("check", tmp_path / "copy", scans, "-o", tmp_path / "rows.csv", "--shard", "3/3")
    done("merge", tmp_path / "rows.csv")
    done("check", gallery, scans, "-o", tmp_path / "whole.csv")
    assert (tmp_path / "rows.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_parts_of_two_kinds_of_processors_are_merged_with_a_warning(parts):
    made_elsewhere(parts[1], "Other 9000")
    output = parts[0].parent / "rows.csv"
    message = done("merge", output).stderr
    assert message.startswith("Warning: the parts were made by different processors or versions")
    assert "Other 9000" in message
    assert output.exists()


def test_a_gallery_on_a_network_disk_is_refused_by_name(gallery, scans, tmp_path, monkeypatch):
    monkeypatch.setattr("index.storage.network.network_disk", lambda path: "nfs4")
    message = failure("check", gallery, scans, "-o", tmp_path / "rows.csv", "--shard", "1/2")
    assert f"{gallery} lies on a network disk (nfs4)" in message
    done("check", gallery, scans, "-o", tmp_path / "rows.csv")


def test_a_shard_needs_a_file_to_write(gallery, scans):
    result = run("check", gallery, scans, "--shard", "1/2")
    assert result.exit_code == 2
    assert "--shard needs -o FILE" in result.stderr


def test_a_shard_that_does_not_exist_is_refused_before_anything_is_read(gallery, scans, tmp_path):
    result = run("check", gallery, scans, "-o", tmp_path / "rows.csv", "--shard", "3/2")
    assert result.exit_code == 2
    assert "Shards count from 1 to N" in result.stderr
