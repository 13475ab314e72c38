"""Decisions are a sequence, and tables where pandas and Arrow are installed."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from index.decision import CheckOptions, Decision
from index.neighbours import Neighbours
from likewise.answers import Decisions
from likewise.errors import LikewiseError
from likewise.output.writers import write_file


@pytest.fixture
def asked(scans) -> list[Path]:
    return sorted(scans.iterdir())[:8]  # 05.png and 06.png cannot be read


@pytest.fixture
def command(gallery, asked, tmp_path):
    """Rows as the command writes them for the same pictures."""

    def run(verb: str, ending: str, *options: str) -> Path:
        path = tmp_path / f"rows{ending}"
        inputs = "\n".join(map(str, asked))
        arguments = [verb, str(gallery), "-", "-o", str(path), *options]
        script = (
            f"from tests.fakes import install; install(); from cli import main; main({arguments!r})"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], input=inputs, text=True, capture_output=True, cwd=ROOT
        )
        assert done.returncode == 0, done.stderr
        return path

    return run


ROOT = Path(__file__).parents[2]


def test_decisions_are_a_sequence_of_decision(matcher, asked):
    decisions = matcher.check(asked)
    assert isinstance(decisions, Decisions)
    assert isinstance(decisions, Sequence)
    assert len(decisions) == 8
    assert all(isinstance(decision, Decision) for decision in decisions)
    assert decisions[-1] is list(decisions)[7]
    assert decisions[0] in decisions
    assert decisions == list(decisions) == matcher.check(asked)
    assert decisions != list(decisions)[:-1]


def test_a_slice_keeps_its_ids(matcher, asked):
    part = matcher.check(asked)[2:6:2]
    assert isinstance(part, Decisions)
    assert part.ids == [str(asked[2]), str(asked[4])]
    assert part.to_pandas()["id"].tolist() == part.ids


def test_a_slice_of_arrays_keeps_their_places_as_ids(matcher, references):
    arrays = [record.pixels() for record in references[:6]]
    decisions = matcher.check(arrays)
    assert decisions[3:].ids == decisions[3:].to_pandas()["id"].tolist() == ["3", "4", "5"]
    assert decisions[1:][::2].ids == ["1", "3", "5"]
    assert decisions[::-1][:2].ids == ["5", "4"]
    assert decisions[6:].ids == []


def test_decisions_count_themselves(matcher, asked):
    decisions = matcher.check(asked)
    assert repr(decisions) == "<8 decisions: 6 match, 2 error>"
    assert repr(decisions[:0]) == "<0 decisions>"


def test_a_data_frame_of_decisions_is_the_csv_of_the_command(matcher, asked, command):
    frame = matcher.check(asked).to_pandas()
    expected = pd.read_csv(command("check", ".csv"), dtype={"label": str, "runner_up_label": str})
    assert list(frame.columns) == list(expected.columns)
    text = io.StringIO(frame.to_csv(index=False))
    again = pd.read_csv(text, dtype={"label": str, "runner_up_label": str})
    pd.testing.assert_frame_equal(again, expected)


def test_an_arrow_table_of_decisions_is_the_parquet_of_the_command(matcher, asked, command):
    assert matcher.check(asked).to_arrow().equals(pq.read_table(command("check", ".parquet")))


def test_a_data_frame_with_evidence_has_its_column(matcher, asked, tmp_path):
    from likewise.calibration.calibrate import calibrate

    calibrate(matcher, fpir=0.1)
    frame = matcher.check(asked, CheckOptions(evidence=True)).to_pandas()
    assert frame.columns.tolist().index("p_value") == frame.columns.tolist().index("threshold") + 1
    assert frame["p_value"].notna().sum() == 6


def test_neighbours_are_tables_too(matcher, queries):
    neighbours = matcher.query(queries[:3], k=2)
    assert issubclass(type(neighbours), Neighbours)
    frame = neighbours.to_pandas()
    assert frame["id"].tolist() == [query.id for query in queries[:3]]
    assert frame["neighbour_2_label"].tolist() == neighbours.labels[:, 1].tolist()
    assert neighbours.to_arrow()["neighbours"][0][1]["id"].as_py() == neighbours.ids[0, 1]
    assert repr(neighbours) == "<2 nearest references of 3 pictures>"


def test_a_picture_without_neighbours_is_a_row_of_the_tables_too(matcher, queries):
    neighbours = matcher.query([queries[0], "gone.png"], k=2)
    frame = neighbours.to_pandas()
    assert frame["reason"].isna().tolist() == frame["neighbour_1_id"].notna().tolist()
    assert frame["reason"][1] == "no such file"
    assert neighbours.to_arrow()["neighbours"][1].as_py() == []


def test_a_slice_of_neighbours_is_that_of_these_pictures(matcher, queries):
    neighbours = matcher.query([queries[0], "gone.png", queries[1]], k=2)
    last = neighbours[1:]
    assert last[0] == []
    assert last[1] == neighbours[2]
    assert last.reasons == {0: "no such file"}
    assert last.to_pandas()["id"].tolist() == ["gone.png", queries[1].id]
    vectors = matcher.gallery.references()[2][:3]
    near = matcher.gallery.search(vectors, k=2)
    assert [near[::-1][place] for place in range(3)] == [near[2], near[1], near[0]]


def test_no_decisions_are_an_empty_table(matcher):
    assert matcher.check([]).to_pandas().shape == (0, 8)
    assert matcher.check([]).to_arrow().num_rows == 0


@pytest.mark.parametrize(
    ("method", "library", "install"),
    [("to_pandas", "pandas", "pandas"), ("to_arrow", "pyarrow", r"likewise\[parquet\]")],
)
def test_without_its_library_a_table_is_refused_in_one_sentence(
    matcher, queries, monkeypatch, method, library, install
):
    for name in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    sentence = f"`{method}` needs {library}, which is not installed: pip install '{install}'"
    for answers in (matcher.check(queries[:1]), matcher.query(queries[:1])):
        with pytest.raises(LikewiseError, match=sentence):
            getattr(answers, method)()


def test_the_tables_have_the_columns_of_the_rows_that_are_written(matcher, asked, tmp_path):
    decisions = matcher.check(asked)
    write_file(tmp_path / "rows.csv", decisions._rows(), decisions.to_pandas().columns.tolist())
    header = (tmp_path / "rows.csv").read_text().splitlines()[0]
    assert header.split(",") == decisions.to_pandas().columns.tolist()
