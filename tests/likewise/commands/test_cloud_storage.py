"""Commands whose inputs and outputs are in cloud storage."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.likewise.commands.running import done, failure, run

pytestmark = pytest.mark.costly


@pytest.fixture
def stored(s3, scans) -> str:
    """The address of scans that were copied to the cloud."""
    s3.put(f"{scans}/", "bucket/scans/", recursive=True)
    return "s3://bucket/scans"


def content(s3, name: str) -> bytes:
    s3.invalidate_cache()
    return s3.cat_file(f"bucket/{name}")


def names(s3) -> list[str]:
    s3.invalidate_cache()
    return [Path(path).name for path in s3.find("bucket/out")]


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_rows_in_the_cloud_are_those_on_disk(s3, gallery, scans, stored, tmp_path, ending):
    done("check", gallery, scans, "-o", tmp_path / f"rows.{ending}")
    done("check", gallery, stored, "-o", f"s3://bucket/out/rows.{ending}")
    assert content(s3, f"out/rows.{ending}") == (tmp_path / f"rows.{ending}").read_bytes()
    assert names(s3) == [f"rows.{ending}"]


def test_a_gallery_of_pictures_in_the_cloud_finds_them(s3, folder, tmp_path):
    s3.put(f"{folder}/", "bucket/digits/", recursive=True)
    done("build", tmp_path / "there", "s3://bucket/digits/", "--model", "digits")
    done("build", tmp_path / "here", folder, "--model", "digits")
    here, there = (done("info", tmp_path / name).stdout for name in ("here", "there"))
    assert there.replace("there", "here") == here


def test_shards_meet_in_the_cloud(s3, gallery, scans, stored, tmp_path):
    done("embed", scans, "-o", tmp_path / "vectors.npy")
    embed = ("embed", stored, "-o", "s3://bucket/out/vectors.npy", "--shard")
    assert "to s3://bucket/out/vectors.npy.part-1-of-2." in done(*embed, "1/2").stderr
    assert "part-2-of-2 is missing" in failure("merge", "s3://bucket/out/vectors.npy")
    done(*embed, "2/2")
    assert "s3://bucket/out/vectors.npy" in done("merge", "s3://bucket/out/vectors.npy").stderr
    assert content(s3, "out/vectors.npy") == (tmp_path / "vectors.npy").read_bytes()


def test_what_fails_stores_nothing(s3, gallery, stored):
    s3.pipe("bucket/scans/list.csv", b"colour\nred\n")
    assert "list.csv" in failure("embed", f"{stored}/list.csv", "-o", "s3://bucket/out/v.npy")
    result = run("query", gallery, stored, "-o", "s3://none/rows.csv")
    assert result.exit_code == 1
    assert "Error: There is nothing at s3://none/rows.csv" in result.stderr
    assert names(s3) == []


def test_a_run_into_the_cloud_cannot_be_resumed(s3, gallery, stored):
    result = run("check", gallery, stored, "-o", "s3://bucket/out/rows.csv", "--resume")
    assert result.exit_code == 2
    assert "--resume needs a file on a disk. Received: s3://bucket/out/rows.csv" in result.stderr


def test_a_list_on_stdin_names_pictures_in_the_cloud(s3, gallery, stored):
    listed = f"{stored}/00.png\n{stored}/none.png\n".encode()
    first, second = done("check", gallery, "-", input=listed).stdout.splitlines()
    assert f'"id":"{stored}/00.png"' in first
    assert "not found in its storage" in second


def test_the_ending_of_an_address_sets_the_format(s3, gallery, stored):
    result = run("check", gallery, stored, "-o", "s3://bucket/out/rows.txt")
    assert "s3://bucket/out/rows.txt should end in one of .jsonl .csv .parquet" in result.stderr
