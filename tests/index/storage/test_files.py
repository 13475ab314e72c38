"""Sealed JSON is written completely or not at all, and alterations are noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.errors import StoreError
from index.storage.files import read_sealed, write_sealed

FIELDS = {"format": 1, "name": "Größe", "points": {"eer": {"threshold": 0.1}}}


def test_fields_come_back(tmp_path: Path) -> None:
    write_sealed(tmp_path / "a.json", FIELDS)
    assert read_sealed(tmp_path / "a.json") == FIELDS


def test_writing_leaves_no_other_file(tmp_path: Path) -> None:
    write_sealed(tmp_path / "a.json", {"old": 1})
    write_sealed(tmp_path / "a.json", FIELDS)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_every_altered_byte_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_sealed(path, FIELDS)
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(StoreError, match=r"a\.json' was altered"):
            read_sealed(path)


@pytest.mark.parametrize("content", [b"", b"[]", b"7", b"{}", b'{"checksum": 1}', b"[" * 100_000])
def test_other_json_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"a\.json"):
        read_sealed(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"a\.json.*No such file"):
        read_sealed(tmp_path / "a.json")


def test_what_is_not_json_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`a\.json` must hold plain JSON"):
        write_sealed(tmp_path / "a.json", {"threshold": float("nan")})
    assert list(tmp_path.iterdir()) == []
