"""The view Bulk: a folder, a zip, the filters, the CSV, ten thousand rows."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.eventually import eventually
from tests.likewise.server.page.conftest import QUERIES
from tests.likewise.server.page.driver import LIKEWISE, drop

pytestmark = pytest.mark.slow


@pytest.fixture
def bulk(open_page, server) -> Page:
    page = open_page(server, "bulk")
    expect(page.locator("#size")).to_have_text("3,000 references")
    return page


def cli_csv(gallery: Path, *inputs: str, cwd: Path) -> str:
    """What `likewise check --format csv` prints."""
    done = subprocess.run(
        [LIKEWISE, "check", gallery, *inputs, "--format", "csv"], cwd=cwd, capture_output=True
    )
    return done.stdout.decode()


def saved(page: Page) -> str:
    """The CSV that the page gives."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    return Path(download.value.path()).read_text()


def test_a_dropped_folder_gives_the_rows_of_the_command_line(bulk, digits, folder):
    drop(bulk, "#bulk", [folder])
    expect(bulk.locator(".progress-words")).to_contain_text(f"{QUERIES + 1} pictures in")
    pictures = sorted(str(path) for path in folder.iterdir())
    expected = cli_csv(digits, *pictures, cwd=folder).replace(f"{folder.parent}/", "")
    assert saved(bulk) == expected


def test_a_dropped_zip_gives_a_row_for_each_picture_in_it(bulk, folder, tmp_path):
    archive = tmp_path / "scans.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.glob("*.png")):
            file.write(path, path.name)
    drop(bulk, "#bulk", [archive])
    expect(bulk.locator(".progress-words")).to_contain_text(f"{QUERIES} pictures in")
    lines = saved(bulk).splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [
        f"{index:02}.png" for index in range(QUERIES)
    ]


DAMAGED = {
    "scans.zip": (b"PK and no more", "scans.zip is not a readable zip archive"),
    "empty.zip": (b"PK\x05\x06" + bytes(18), "empty.zip should hold pictures, but holds none"),
    "paths.csv": (b"path,label\na.png,7\n", "paths.csv should have the columns label,pixel0"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_an_archive_that_cannot_be_read_is_called_by_its_own_name(bulk, tmp_path, name):
    bulk.watch.expected.append("422")
    content, sentence = DAMAGED[name]
    (tmp_path / name).write_bytes(content)
    drop(bulk, "#bulk", [tmp_path / name])
    words = bulk.locator(".progress-words")
    expect(words).to_contain_text(sentence)
    expect(words).to_contain_text("Send a zip of pictures, a CSV of pixels")
    for of_the_api in ("upload", "GET /", "openapi"):
        expect(words).not_to_contain_text(of_the_api)


def test_more_than_some_hundreds_go_as_one_job_and_give_the_same_rows(bulk, folder):
    few, many = QUERIES + 1, 9 * (QUERIES + 1)  # 549 files are more than the 512 that go in parts
    drop(bulk, "#bulk", [folder])
    expect(bulk.locator(".progress-words")).to_contain_text(f"{few} pictures in")
    in_parts = without_ids(saved(bulk))
    drop(bulk, "#bulk", [folder] * 9)
    expect(bulk.locator(".progress-words")).to_contain_text(f"{many} pictures in")
    assert without_ids(saved(bulk)) == in_parts[:1] + in_parts[1:] * 9


def kept_job(page: Page) -> str | None:
    """The job that this tab follows."""
    return page.evaluate("sessionStorage.getItem('likewise-job')")


def until_kept(page: Page) -> None:
    eventually(lambda: kept_job(page))


def test_a_job_under_way_is_followed_on_by_a_page_that_is_loaded_again(bulk, folder, server):
    bulk.route("**/v1/jobs/*/result*", lambda route: None)  # so the page cannot come to its end
    drop(bulk, "#bulk", [folder] * 9)
    until_kept(bulk)
    bulk.reload()
    bulk.unroute("**/v1/jobs/*/result*")
    expect(bulk.locator(".progress-words")).to_have_text(f"{9 * (QUERIES + 1)} pictures.")
    assert len(saved(bulk).splitlines()) == 9 * (QUERIES + 1) + 1
    assert bulk.evaluate("sessionStorage.length") == 0
    assert bulk.request.get(f"{server.address}/v1/jobs").json() == {"jobs": []}
    bulk.reload()
    expect(bulk.locator("#bulk .drop")).to_be_visible()


def test_a_job_that_is_followed_on_can_be_cancelled(bulk, folder, server):
    bulk.route("**/v1/jobs/*/result*", lambda route: None)
    drop(bulk, "#bulk", [folder] * 9)
    until_kept(bulk)
    bulk.reload()
    bulk.get_by_role("button", name="Cancel").click()
    expect(bulk.locator(".progress-words")).to_contain_text("Cancelled")
    expect(bulk.get_by_role("button", name="Check others")).to_be_visible()
    assert bulk.evaluate("sessionStorage.length") == 0


def test_a_job_that_the_server_does_not_know_any_more_is_forgotten(bulk):
    bulk.watch.expected.append("404")
    bulk.evaluate("sessionStorage.setItem('likewise-job', 'gone')")
    bulk.reload()
    expect(bulk.locator("#size")).to_have_text("3,000 references")
    eventually(lambda: kept_job(bulk), until=lambda job: job is None)
    expect(bulk.locator("#bulk .drop")).to_be_visible()
    expect(bulk.locator(".progress-words")).to_have_count(0)


def without_ids(table: str) -> list[str]:
    """The lines of a CSV after their first comma: nine folders of one name get nine names."""
    return [line.partition(",")[2] for line in table.splitlines()]


def test_filters_show_what_was_asked_for(bulk, folder):
    drop(bulk, "#bulk", [folder])
    expect(bulk.locator(".progress-words")).to_contain_text(f"{QUERIES + 1} pictures in")
    bulk.get_by_role("button", name="Not readable 1").click()
    expect(bulk.locator(".results tbody tr:not(.gap)")).to_have_count(1)
    expect(bulk.locator(".results .name")).to_have_text("scans/note.txt")
    bulk.get_by_role("button", name="All").click()
    bulk.get_by_label("Group", exact=True).select_option("7")
    labels = bulk.locator(".results td.label").all_inner_texts()
    assert labels
    assert set(labels) == {"7"}


def test_ten_thousand_rows_are_a_few_dozen_lines_in_the_page(bulk):
    """Made in the page, so that only the table is tried."""
    bulk.evaluate(
        """async () => {
          const { ResultTable } = await import("/page/bulk_table.js");
          const table = new ResultTable(() => {});
          document.querySelector("#bulk").replaceChildren(table.element);
          const decided = { decision: "match", label: "7", distance: 0.1, threshold: 0.2 };
          const row = (at) => ({ id: `${at}.png`, ...decided, neighbours: [] });
          table.show(Array.from({ length: 10000 }, (_, at) => ({ row: row(at), picture: null })));
          table.element.scrollTop = 5000 * 52;
        }"""
    )
    expect(bulk.get_by_text("5000.png", exact=True)).to_be_visible()
    assert bulk.locator(".results tr").count() < 60


def test_a_cancelled_check_keeps_the_rows_that_came(bulk, folder):
    """The second part is held back, as a slow server would."""
    seen = []

    def first_only(route):
        seen.append(route)
        if len(seen) == 1:
            route.continue_()

    bulk.route("**/v1/check*", first_only)
    many = [folder] * 2  # 122 files: two parts of 61
    drop(bulk, "#bulk", many)
    expect(bulk.locator(".progress-words")).to_contain_text("61 of 122")
    bulk.get_by_role("button", name="Cancel").click()
    expect(bulk.locator(".progress-words")).to_contain_text("Cancelled after 61 of 122 pictures.")


def test_a_picture_of_the_table_opens_under_ask(bulk, folder):
    drop(bulk, "#bulk", [folder])
    bulk.get_by_role("button", name="scans/00.png").click()
    expect(bulk.locator(".headline")).to_have_text("7")
