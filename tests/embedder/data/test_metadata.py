"""Metadata of any type: no column and no value keeps a picture out."""

from __future__ import annotations

import json
from collections import OrderedDict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.data.metadata import plain_metadata
from likewise.matcher import Matcher
from tests.likewise.commands.running import done
from tests.likewise.server.conftest import png


class Colour(Enum):
    RED = "red"


VALUES: dict[str, tuple[Any, Any]] = {
    "text": ("red", "red"),
    "half of a character": ("\udcff", "\\xff"),
    "a whole number": (7, 7),
    "a whole number that is too long": (2**70, str(2**70)),
    "truth": (True, True),
    "nothing": (None, None),
    "a number": (0.5, 0.5),
    "NaN": (float("nan"), None),
    "infinity": (float("-inf"), "-inf"),
    "a date": (date(2024, 1, 2), "2024-01-02"),
    "a moment": (datetime(2024, 1, 2, 3, 4, tzinfo=UTC), "2024-01-02T03:04:00+00:00"),
    "a time": (time(3, 4), "03:04:00"),
    "a duration": (timedelta(hours=1), "1:00:00"),
    "a decimal": (Decimal("1.10"), "1.10"),
    "a UUID": (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    "a path": (Path("a/b"), "a/b"),
    "one of a few": (Colour.RED, "red"),
    "bytes": (b"\xff\0", "/wA="),
    "many bytes": (bytes(1000), "1000 bytes"),
    "a number of NumPy": (np.float32(0.5), 0.5),
    "NaN of NumPy": (np.float64("nan"), None),
    "a moment of NumPy": (np.datetime64("2024-01-02"), "2024-01-02"),
    "an array": (np.array([[1, 2]], np.int8), [[1, 2]]),
    "a list": ([1, "a", None, float("nan")], [1, "a", None, None]),
    "a pair": ((1, date(2024, 1, 2)), [1, "2024-01-02"]),
    "a set": ({2, 1}, [1, 2]),
    "an object": (OrderedDict({"a": {"b": Decimal(1)}}), {"a": {"b": "1"}}),
    "names that are no text": ({1: "a", None: "b", date(2024, 1, 2): "c"}, None),
    "anything else": (complex(1, 2), "(1+2j)"),
}
VALUES["names that are no text"] = (
    VALUES["names that are no text"][0],
    {"1": "a", "None": "b", "2024-01-02": "c"},
)


@pytest.mark.parametrize("kind", VALUES)
def test_any_value_becomes_plain_json(kind):
    value, plain = VALUES[kind]
    made = plain_metadata({"column": value})
    assert made == {"column": plain}
    assert json.loads(json.dumps(made, allow_nan=False)) == made


def test_what_holds_itself_ends():
    endless: list[Any] = []
    endless.append(endless)
    assert json.dumps(plain_metadata({"column": endless}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.dictionaries(st.text() | st.integers(), JSON, max_size=4))
def test_all_metadata_can_be_written_and_stay_as_they_are_then(metadata):
    made = plain_metadata(metadata)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert plain_metadata(made) == made


COLUMNS = {
    "date32": pa.array([date(2024, 1, 2)], pa.date32()),
    "timestamp": pa.array([datetime(2024, 1, 2)], pa.timestamp("us")),
    "timestamp of a zone": pa.array([datetime(2024, 1, 2)], pa.timestamp("ms", "Europe/Berlin")),
    "time64": pa.array([time(3, 4)], pa.time64("us")),
    "duration": pa.array([timedelta(1)], pa.duration("s")),
    "decimal128": pa.array([Decimal("1.10")], pa.decimal128(5, 2)),
    "binary": pa.array([b"\xff"], pa.binary(1)),
    "float16": pa.array(np.array([np.nan], np.float16)),
    "uint64": pa.array([2**64 - 1], pa.uint64()),
    "list": pa.array([[1.5, None]], pa.list_(pa.float32())),
    "struct": pa.array([{"a": date(2024, 1, 2)}]),
    "map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())),
    "dictionary": pa.array(["red"]).dictionary_encode(),
    "null": pa.nulls(1),
    "boolean": pa.array([True]),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_list_with_a_column_of_any_type_is_built(fake, tmp_path, queries, column):
    (tmp_path / "a.png").write_bytes(png(queries[0]))
    table = {"path": ["a.png"], "label": ["7"], "further": COLUMNS[column]}
    pq.write_table(pa.table(table), tmp_path / "list.parquet")
    done("build", tmp_path / "new.gallery", tmp_path / "list.parquet")
    with Matcher.open(tmp_path / "new.gallery") as matcher:
        assert "further" in matcher.gallery.get("a.png").metadata


def test_json_lines_with_values_that_json_has_not_are_built(fake, tmp_path, queries):
    (tmp_path / "a.png").write_bytes(png(queries[0]))
    line = '{"path": "a.png", "label": "7", "x": NaN, "y": -Infinity, "z": "\\ud800", "n": 1e400}'
    (tmp_path / "list.jsonl").write_text(line)
    done("build", tmp_path / "new.gallery", tmp_path / "list.jsonl")
    with Matcher.open(tmp_path / "new.gallery") as matcher:
        metadata = matcher.gallery.get("a.png").metadata
    assert (metadata["x"], metadata["y"], metadata["n"]) == (None, "-inf", "inf")
