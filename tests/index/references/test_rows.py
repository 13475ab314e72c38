"""A row's checksum covers every field and where it ends."""

from __future__ import annotations

from typing import Any

import pytest

from index.references.rows import Row, row_checksum

FIELDS: dict[str, Any] = {
    "slot": 3, "id": "a", "label": "bc", "content": b"d", "metadata": "{}", "vector": b"1234",
    "picture_digest": b"12345678",
}  # fmt: skip


def row(**changes: Any) -> Row:
    return Row(**{**FIELDS, **changes}, checksum=row_checksum(**FIELDS))


def test_a_row_as_written_is_intact() -> None:
    assert row().intact()


@pytest.mark.parametrize(
    "changes",
    [
        {"slot": 4},
        {"id": "b"},
        {"id": "ab", "label": "c"},
        {"content": None},
        {"content": b""},
        {"metadata": None},
        {"vector": b"1235"},
        {"picture_digest": None},
        {"id": b"a"},
        {"label": None},
        {"slot": "3"},
        {"vector": 7},
    ],
    ids=str,
)
def test_any_other_field_or_type_is_not(changes: dict[str, Any]) -> None:
    assert not row(**changes).intact()


def test_the_checksum_of_format_1_stays_what_it_is() -> None:
    """A store of format 1 must open for ever, so this number must never change."""
    assert row_checksum(**FIELDS) == 5066163155486274198
