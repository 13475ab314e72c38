"""The report on disk: one page that loads nothing, and its figures as JSON."""

import errno
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import main
from embedder.data.records import Record
from embedder.errors import ImageError
from likewise.calibration.calibrate import calibrate
from likewise.evaluation.evaluate import evaluate
from likewise.evaluation.identification import Confusion
from likewise.report.page import html
from likewise.report.pictures import Strips
from likewise.report.tables import confusion_table
from likewise.report.words import in_words, worst_confusions
from likewise.report.write import ReportError, sentences, writable, write_report


class Links(HTMLParser):
    """Whatever a page would load."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "href")]
        assert tag != "script"


def test_the_page_loads_nothing_and_holds_all_parts(matcher, queries, tmp_path):
    write_report(evaluate(matcher, queries, seeds=1), matcher, tmp_path / "report")
    page = (tmp_path / "report" / "report.html").read_text()
    links = Links()
    links.feed(page)
    assert links.found
    assert all(link.startswith("data:image/png;base64,") for link in links.found)
    assert not re.search(r"url\(|@import|\{[{%#]", page)
    assert page.count("<figure") > 16
    assert page.count("<svg") == 4  # histogram, DET, identification, map


def test_names_from_data_are_escaped(gallery, fake, queries, tmp_path):
    from likewise.matcher import Matcher

    evil = "<script>alert(1)</script>"
    with Matcher.open(gallery) as matcher:
        matcher.add([Record("a", evil, queries[0].image), Record("b", evil, queries[1].image)])
        asked = [Record(f"{evil}{n}", evil, q.image) for n, q in enumerate(queries[2:6])]
        write_report(evaluate(matcher, [*queries[6:], *asked], seeds=1), matcher, tmp_path / "r")
    assert "<script" not in (tmp_path / "r" / "report.html").read_text()


@pytest.mark.costly
def test_references_show_the_pictures_that_the_gallery_holds(gallery, fake, tmp_path):
    out = tmp_path / "report"
    wanted = ["evaluate", str(gallery), "--cross-validate", "--out", str(out), "--seeds", "1"]
    done = CliRunner().invoke(main, wanted)
    assert done.exit_code == 0, done.output
    page = (out / "report.html").read_text()
    assert "each tenth of them among the other nine tenths" in page
    assert page.count("<figure") > 16
    assert page.count("data:image/png") > 32  # two for each pair, and those of the errors
    assert json.loads((out / "report.json").read_text())["cross_validated"] is True
    refused = CliRunner().invoke(main, [*wanted, "mnist/test"])
    assert refused.exit_code == 2
    assert "leave out DATA" in refused.stderr


def test_a_directory_that_is_not_a_report_is_left_alone(matcher, queries, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ReportError, match="something else is there"):
        write_report(evaluate(matcher, queries, seeds=1), matcher, tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


@pytest.mark.costly
def test_the_command_writes_a_report_over_an_earlier_one(gallery, scans, fake, tmp_path):
    listed = tmp_path / "list.csv"
    rows = [f"scans/{n:02}.png,{n % 10}" for n in range(40)]
    listed.write_text("\n".join(["path,label", *rows]))
    out = tmp_path / "report"
    for _ in range(2):
        done = CliRunner().invoke(
            main, ["evaluate", str(gallery), str(listed), "--out", str(out), "--seeds", "1"]
        )
        assert done.exit_code == 0, done.output
        assert "rank-1" in done.stderr
    figures = json.loads((out / "report.json").read_text())
    assert figures["queries"]["pictures"] == 38  # 05.png is cut off, 06.png is text
    assert figures["queries"]["unreadable"] == 2
    missed = {"id", "label", "own_distance", "nearest_group", "nearest_distance", "said"}
    assert all(miss.keys() == missed for miss in figures["missed"])
    assert sorted(file.name for file in out.iterdir()) == ["report.html", "report.json"]


@pytest.mark.costly
def test_the_page_says_what_the_threshold_promises_and_leaves_out(matcher, queries):
    evaluation = evaluate(matcher, queries, at="eer", seeds=1)
    assert "promises nothing about unknown groups" in html(evaluation, matcher)
    calibrate(matcher, queries[:30], fpir=0.2, min_margin=0.01, name="chosen")
    page = html(evaluate(matcher, queries[30:], at="chosen", seeds=1), matcher)
    assert "It was set for an FPIR of at most 20 %." in page
    assert "required margin to the runner-up, 0.0100, is not applied here" in page


def test_the_map_names_each_group_and_numbers_the_worst_errors(matcher, queries):
    evaluation = evaluate(matcher, queries, seeds=1)
    drawn = Strips(evaluation, matcher).map()
    named = re.findall(r'class="name"[^>]*>([^<]*)<', drawn)
    numbered = re.findall(r'class="number"[^>]*>([^<]*)<', drawn)
    assert named == sorted({record.label for record in queries})
    assert sorted(map(int, numbered)) == list(range(1, min(12, len(evaluation.wrong)) + 1))


def test_the_page_lists_twenty_unreadable_pictures_and_counts_the_others(matcher, queries):
    damaged = [Record(f"<{n}>.png", "7", ImageError("truncated & lost")) for n in range(23)]
    page = html(evaluate(matcher, [*queries, *damaged], seeds=1), matcher)
    assert "Pictures that could not be read: 23." in page
    assert page.count("truncated &amp; lost") == 20
    assert "&lt;0&gt;.png" in page
    assert "and 3 more, which report.json lists" in page


def test_of_many_groups_only_the_worst_confusions_are_shown():
    names = [str(n) for n in range(16)]
    assert confusion_table(Confusion([*names], [[1] * 16] * 16)).too_many
    assert not confusion_table(Confusion([*names[:15]], [[1] * 15] * 15)).too_many
    counts = [[2 * (row == answer) for answer in range(16)] for row in range(16)]
    counts[3][5] = 6  # beside 2 right ones
    counts[4][1] = 1
    assert worst_confusions(Confusion([*names], counts)) == [
        ("3", "5", 6, 6 / 8),
        ("4", "1", 1, 1 / 3),
    ]


def test_the_first_sentence_says_what_the_figures_mean(matcher, queries):
    evaluation = evaluate(matcher, queries, seeds=1)
    figures, missed = evaluation.figures, evaluation.figures.missed
    wrong = sum(miss.answer is not None for miss in missed)
    numbers = list(map(int, re.findall(r"\d+", in_words(figures.identification))))
    assert figures.identification.fpir is not None
    assert numbers == [
        *(len(queries), len(queries) - len(missed), len(missed) - wrong, wrong),
        *(len(queries), figures.identification.fpir.events),
    ]
    assert in_words(figures.identification) in html(evaluation, matcher)


def test_groups_without_queries_have_no_row_in_the_confusion():
    table = confusion_table(Confusion(["a", "b", None], [[2, 1, 0], [0, 0, 0], [0, 0, 0]]))
    assert table.names == ["a", "b", "none"]
    assert [(row.name, [cell.kind for cell in row.cells]) for row in table.rows] == [
        ("a", ["right", "wrong", ""])
    ]


def test_a_group_that_is_called_none_is_not_the_column_of_no_match():
    table = confusion_table(Confusion(["none", None], [[2, 3], [0, 0]]))
    assert [(row.name, row.cells) for row in table.rows] == [("none", [(2, "right"), (3, "wrong")])]


@pytest.mark.parametrize("place", [".", "link"])
def test_a_report_is_written_into_the_current_folder_or_through_a_link(
    matcher, queries, tmp_path, monkeypatch, place
):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "folder" / "linked")
    (tmp_path / "folder" / "linked").mkdir()
    monkeypatch.chdir(tmp_path / "folder" / ("linked" if place == "." else "."))
    evaluation = evaluate(matcher, queries, seeds=1)
    for _ in range(2):
        write_report(evaluation, matcher, Path(place))
        written = sorted(file.name for file in (tmp_path / "folder" / "linked").iterdir())
        assert written == ["report.html", "report.json"]


def test_a_report_that_cannot_be_written_leaves_the_earlier_one(
    matcher, queries, tmp_path, monkeypatch
):
    evaluation = evaluate(matcher, queries, seeds=1)
    write_report(evaluation, matcher, tmp_path / "report")
    before = {file.name: file.read_bytes() for file in (tmp_path / "report").iterdir()}

    def full(path: Path, content: bytes) -> int:
        if ".report.html." in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        with path.open("wb") as file:
            return file.write(content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        write_report(evaluation, matcher, tmp_path / "report")
    with pytest.raises(OSError, match="No space left"):
        write_report(evaluation, matcher, tmp_path / "new")
    assert before == {file.name: file.read_bytes() for file in (tmp_path / "report").iterdir()}
    assert not (tmp_path / "new").exists()


def test_one_picture_of_each_group_is_searched_and_makes_no_pairs(matcher, queries, tmp_path):
    one_each = list({record.label: record for record in queries}.values())
    evaluation = evaluate(matcher, one_each, seeds=1)
    write_report(evaluation, matcher, tmp_path / "report")
    figures = json.loads((tmp_path / "report/report.json").read_text())
    assert figures["verification"] is None
    assert figures["identification"]["rank-1"]["trials"] == len(one_each)
    assert "det" not in figures["curves"]
    page = (tmp_path / "report/report.html").read_text()
    assert "There are no pairs: no two of these pictures are of one group" in page
    assert "16 pairs" not in page
    said = sentences(evaluation.figures, tmp_path / "report")[1]
    assert "EER not measured, because the pictures make no pairs" in said


@pytest.mark.parametrize("place", ["file/report", "dangling", "dangling/report"])
def test_a_place_where_no_directory_can_be_made_is_refused_before_the_evaluation(tmp_path, place):
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ReportError, match="Choose another"):
        writable(tmp_path / place)
