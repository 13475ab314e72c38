from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedder.data.sources import Record
from likewise.bulk.journal import Journal, ResumeError

RECORDS = [Record(f"{place}.png", None, Path("x")) for place in range(6)]
ROWS = [{"id": record.id, "decision": "match"} for record in RECORDS]
SETTINGS = {"job": "check", "k": 5}


@pytest.fixture
def output(tmp_path) -> Path:
    return tmp_path / "rows.jsonl"


def begun(output: Path, rows: int) -> Path:
    """What a run leaves that was killed after so many rows."""
    with Journal(output, SETTINGS, []) as journal:
        journal.write(ROWS[:rows])
    return journal.path


def finish(output: Path) -> list[str]:
    """Go on with it; return the ids whose rows were still to be made."""
    with Journal(output, SETTINGS, [], resume=True) as journal:
        rest = [record.id for record in journal.remaining(RECORDS)]
        journal.write(ROWS[-len(rest) :] if rest else [])
        journal.finish()
    return rest


any_cut = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.costly
@any_cut
@given(cut=st.integers(0, 300))
def test_a_journal_cut_off_at_any_byte_is_gone_on_with(output, cut):
    journal = begun(output, 6)
    left = journal.read_bytes()[:cut]
    journal.write_bytes(left)
    rest = finish(output)
    whole = max(0, left.count(b"\n") - 1)  # the first line is the header
    assert rest == [record.id for record in RECORDS[whole:]]
    assert [json.loads(line) for line in output.read_text().splitlines()] == ROWS
    assert not journal.exists()


def test_a_journal_of_an_earlier_version_with_spaces_in_its_rows_is_gone_on_with(output):
    journal = begun(output, 3)
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    journal.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert finish(output) == ["3.png", "4.png", "5.png"]
    assert [json.loads(line) for line in output.read_text().splitlines()] == ROWS


def test_a_very_long_half_line_is_cut_off_too(output):
    journal = begun(output, 2)
    with journal.open("ab") as file:
        file.write(b"x" * 200_000)  # longer than the block that is looked at from the end
    assert finish(output) == ["2.png", "3.png", "4.png", "5.png"]


def test_an_interrupted_job_is_not_begun_anew_without_a_word(output):
    begun(output, 2)
    with pytest.raises(ResumeError, match=r"rows\.jsonl\.partial.*--resume.*remove it"):
        Journal(output, SETTINGS, [])


def test_another_job_is_refused_and_the_difference_named(output):
    begun(output, 2)
    with pytest.raises(ResumeError, match="another job: its k was 5, not 3"):
        Journal(output, {**SETTINGS, "k": 3}, [], resume=True)


def test_a_difference_is_reported_in_plain_words(output):
    with Journal(output, {"group": None, "inputs": ["a", "b"]}, []) as journal:
        journal.write(ROWS[:1])
    with pytest.raises(ResumeError, match="its group was none, not '3'"):
        Journal(output, {"group": "3", "inputs": ["a", "b"]}, [], resume=True)
    with pytest.raises(ResumeError, match="its inputs were a, b, not c"):
        Journal(output, {"group": None, "inputs": ["c"]}, [], resume=True)


def test_rows_of_another_processor_are_not_continued_and_both_are_named(output):
    machines = [{"processor": name, "numpy": "2.4"} for name in ("Epyc", "Xeon")]
    with Journal(output, {"made_by": machines[0]}, []) as journal:
        journal.write(ROWS[:1])
    with pytest.raises(ResumeError, match=r"another job: it was made by Epyc, 2\.4, not Xeon, 2"):
        Journal(output, {"made_by": machines[1]}, [], resume=True)


def test_a_journal_with_a_damaged_header_is_refused(output):
    journal = begun(output, 2)
    journal.write_bytes(b"\0\0" + journal.read_bytes())
    with pytest.raises(ResumeError, match="first line is damaged"):
        Journal(output, SETTINGS, [], resume=True)


@pytest.mark.parametrize(
    "records", [RECORDS[1:], RECORDS[:1], [RECORDS[1], RECORDS[0]]], ids=["other", "fewer", "order"]
)
def test_other_inputs_are_refused(output, records):
    begun(output, 2)
    with (
        Journal(output, SETTINGS, [], resume=True) as journal,
        pytest.raises(ResumeError, match="inputs, or their order, differ"),
    ):
        list(journal.remaining(records))


def test_a_job_that_did_nothing_leaves_nothing(output, tmp_path):
    begun(output, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_refused_journal_stays_as_it_was(output):
    journal = begun(output, 2)
    before = journal.read_bytes()
    with pytest.raises(ResumeError):
        Journal(output, {}, [], resume=True)
    assert journal.read_bytes() == before


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="needs a folder that root cannot write to")
def test_a_folder_that_cannot_be_written_to_names_the_output():
    with pytest.raises(OSError, match=r"'/sys/rows\.jsonl'$"):
        Journal(Path("/sys/rows.jsonl"), SETTINGS, [])


def test_two_runs_never_write_one_journal(output):
    with Journal(output, SETTINGS, []) as first:
        first.write(ROWS[:1])
        for resume in (True, False):
            with pytest.raises(ResumeError, match="Another run is writing"):
                Journal(output, SETTINGS, [], resume=resume)
    assert finish(output) == [record.id for record in RECORDS[1:]]
