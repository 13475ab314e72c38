"""Work that is sent elsewhere and back gives what one run gives; errors come back as sentences."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from embedder.data.sources import records
from embedder.decoders.pool import limit_seconds, seconds_limit
from embedder.model import Embedder
from index.decision import CheckOptions
from likewise.bulk import elsewhere
from likewise.bulk.elsewhere import ElsewhereError, Embedding, Settings, done
from likewise.bulk.embeddings import write_embeddings
from likewise.bulk.job import Job
from likewise.matcher import Matcher
from tests.machines import Copies, forget


@pytest.fixture(autouse=True)
def _nothing_stays_open():
    yield
    forget()


def checked(matcher: Matcher, source: Path, output: Path, machines=None, **how) -> Job:
    options = CheckOptions(k=3, evidence=how.pop("evidence", False))
    job = Job(matcher, records(source), [str(source)], options, lambda count: None, machines)
    job.write(output, **how)
    return job


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_a_check_elsewhere_writes_the_same_bytes_and_the_same_counts(
    matcher, scans, tmp_path, ending
):
    whole, output = tmp_path / f"whole.{ending}", tmp_path / f"rows.{ending}"
    here = checked(matcher, scans, whole)  # 40 pictures, two of them unreadable
    there = checked(matcher, scans, output, Copies())
    assert output.read_bytes() == whole.read_bytes()
    assert there.summary.decisions == here.summary.decisions
    assert there.summary.decisions["error"] == 2


def test_a_check_that_broke_off_goes_on_here_or_elsewhere(matcher, scans, tmp_path):
    whole, output = tmp_path / "whole.csv", tmp_path / "rows.csv"
    checked(matcher, scans, whole)
    with pytest.raises(ElsewhereError, match="the machine broke"):
        checked(matcher, scans, output, Copies(breaks_after=2))
    with pytest.raises(ElsewhereError, match="the machine broke"):
        checked(matcher, scans, output, Copies(breaks_after=1), resume=True)
    job = checked(matcher, scans, output, resume=True)
    assert (job.earlier, job.summary.total) == (21, 19)  # three parts of seven, of 40
    assert output.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("ending", ["npy", "parquet"])
def test_embeddings_made_elsewhere_are_the_same_bytes(fake, scans, tmp_path, ending):
    whole, output = tmp_path / f"whole.{ending}", tmp_path / f"vectors.{ending}"
    here = write_embeddings(fake, records(scans), whole)
    there = elsewhere.write_embeddings_of(
        Copies(), Embedding.of(fake, None, None), fake.dim, records(scans), output, lambda n: None
    )
    assert output.read_bytes() == whole.read_bytes()
    assert there == here


def test_a_gallery_that_changed_is_refused(matcher, scans, tmp_path, references):
    class Changing(Copies):
        def results(self, work, stream):
            first = super().results(work, stream)
            yield next(first)
            matcher.gallery.remove([references[0].id])
            yield from first

    with pytest.raises(ElsewhereError, match="other references or another model there"):
        checked(matcher, scans, tmp_path / "rows.csv", Changing())
    assert not (tmp_path / "rows.csv").exists()


def test_a_gallery_that_is_not_there_is_one_sentence(matcher, scans, tmp_path):
    class Bare(Copies):
        def results(self, work, stream):
            shutil.move(matcher.gallery.path, tmp_path / "moved")
            return super().results(work, stream)

    with pytest.raises(ElsewhereError, match=r"digits\.gallery"):
        checked(matcher, scans, tmp_path / "rows.csv", Bare())


def test_another_model_is_refused(fake, scans, monkeypatch):
    work = Embedding.of(fake, None, None)
    monkeypatch.setattr(Embedder, "load", lambda path: type(fake)(fake.path, "0123456789ab"))
    answer = done(work, list(records(scans)))
    assert answer.failure.startswith("The model there is 0123456789ab, not fa4e00000001")


def test_a_defect_comes_back_as_a_sentence_and_not_as_an_exception():
    answer = done(lambda part: part[0].id, [])
    assert answer.failure == "Unexpected IndexError: list index out of range"


def test_the_limit_of_decoding_and_the_cache_go_along(monkeypatch, tmp_path):
    monkeypatch.setenv("LIKEWISE_CACHE", str(tmp_path))
    before = seconds_limit()
    limit_seconds(5.0)
    settings = Settings.of_this_process()
    limit_seconds(before)
    try:
        assert settings == Settings(5.0, str(tmp_path))
        settings.apply()
        assert seconds_limit() == 5.0
    finally:
        limit_seconds(before)
