"""Requirements of every view: keys, a server that stops, other hosts, narrow screens, axe."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.likewise.server.page.conftest import READ_KEY, WRITE_KEY
from tests.likewise.server.page.driver import Server, draw, drop

pytestmark = pytest.mark.slow

NAME_OF_FOCUSED = "document.activeElement.textContent.trim() || document.activeElement.ariaLabel"
VIEWS = ("ask", "compare", "bulk", "gallery", "gallery/7", "map")


# ------------------------------------------------------------ keys


@pytest.fixture
def locked(digits, keys):
    server = Server(digits, "--keys", str(keys))
    yield server
    server.stop()


def give_key(page: Page, key: str) -> None:
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_role("button", name="Use this key").click()


def test_a_wrong_key_is_reported_plainly_and_a_right_one_is_kept_for_the_tab(open_page, locked):
    page = open_page(locked)
    page.watch.expected.append("401")
    give_key(page, "not-one-of-the-keys")
    expect(page.locator("#key-error")).to_have_text("The server does not know this key.")
    give_key(page, READ_KEY)
    expect(page.locator("#size")).to_have_text("3,000 references")
    draw(page, "7")
    expect(page.locator(".strip img").first).to_have_attribute("src", re.compile("^blob:"))
    page.reload()
    expect(page.locator("#size")).to_have_text("3,000 references")
    assert page.evaluate("localStorage.getItem('likewise-key')") is None


def test_a_key_that_may_only_read_says_so_and_another_may_write(open_page, locked):
    page = open_page(locked, "gallery")
    page.watch.expected.append("401")
    give_key(page, READ_KEY)
    expect(page.locator(".enrol")).to_contain_text("This is a read key.")
    page.get_by_role("button", name="Use another key").click()
    give_key(page, WRITE_KEY)
    expect(page.get_by_role("button", name="Add")).to_be_visible()


def test_a_thumbnail_that_failed_is_asked_for_again(open_page, locked):
    page = open_page(locked, "gallery")
    page.watch.expected += ["401", "429"]
    page.route("**/v1/pictures/*", lambda route: route.fulfill(status=429), times=1)
    give_key(page, READ_KEY)
    expect(page.locator(".samples img.none")).to_have_count(1)
    page.get_by_role("link", name="Ask").click()
    page.get_by_role("link", name="Gallery").click()
    expect(page.locator(".samples img")).to_have_count(60)
    expect(page.locator(".samples img.none")).to_have_count(0)


def test_a_key_can_be_forgotten(open_page, locked):
    page = open_page(locked)
    page.watch.expected.append("401")
    give_key(page, READ_KEY)
    page.get_by_role("button", name="Key").click()
    page.get_by_role("button", name="Forget the key").click()
    expect(page.locator("#key-title")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


# ------------------------------------------------------------ a server that stops


@pytest.fixture
def mortal(digits):
    server = Server(digits)
    yield server
    server.stop()


def test_a_drawing_is_answered_once_the_server_is_back(open_page, mortal):
    page = open_page(mortal)
    expect(page.locator("#size")).to_have_text("3,000 references")
    page.watch.expected.append("ERR_CONNECTION")
    mortal.stop()
    draw(page, "7")
    expect(page.locator("#stopped")).to_contain_text("does not answer. Nothing is lost")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    mortal.start()
    expect(page.locator(".strip li")).to_have_count(5)
    expect(page.locator("#stopped")).to_be_hidden()


def test_a_bulk_check_goes_on_once_the_server_is_back(open_page, mortal, folder):
    page = open_page(mortal, "bulk")
    expect(page.locator("#size")).to_have_text("3,000 references")
    page.watch.expected.append("ERR_CONNECTION")
    mortal.stop()
    drop(page, "#bulk", [folder])
    expect(page.locator("#stopped")).to_be_visible()
    mortal.start()
    expect(page.locator(".progress-words")).to_contain_text("61 pictures in")


# ------------------------------------------------------------ every view


def settled(page: Page, view: str) -> None:
    """Wait until a view shows what it has."""
    expect(page.locator("#size")).to_have_text("3,000 references")
    wanted = {
        "ask": ".ask .histogram path >> nth=0",
        "compare": "#compare-threshold .histogram path >> nth=0",
        "bulk": "#bulk .drop",
        "gallery": ".group >> nth=0",
        "gallery/7": ".browse li >> nth=0",
        "map": "canvas.map",
    }
    expect(page.locator(wanted[view])).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_serious_in_any_view(open_page, server, view, scheme):
    page = open_page(server, view, color_scheme=scheme)
    settled(page, view)
    assert not serious(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_answers_tables_and_dialogs(open_page, server, folder, scheme):
    page = open_page(server, color_scheme=scheme)
    draw(page, "4")
    expect(page.locator(".strip li")).to_have_count(5)
    page.get_by_role("slider").first.focus()
    page.keyboard.press("Home")
    assert not serious(page)
    page.locator(".strip button").first.click()
    expect(page.get_by_role("button", name="Close")).to_be_visible()
    assert not serious(page)
    page.keyboard.press("Escape")
    drop(page, ".ask-pad", sorted(folder.iterdir())[-3:])
    expect(page.locator(".answer-row")).to_have_count(3)
    assert not serious(page)
    drop(page, ".ask-pad", [folder])
    expect(page.locator(".progress-words")).to_contain_text("61 pictures in")
    assert not serious(page)


# Colours that fade are measured once they have faded; what turns for ever is not waited for.
FADED = """() => Promise.allSettled(document.getAnimations()
    .filter(each => Number.isFinite(each.effect.getComputedTiming().endTime))
    .map(each => each.finished))"""


def serious(page: Page) -> list[str]:
    """What axe calls serious or critical, each with the first element that it concerns."""
    page.evaluate(FADED)
    result = Axe().run(page).response["violations"]
    return [
        f"{item['id']}: {item['help']}: {item['nodes'][0]['html']} {item['nodes'][0]['any'][:1]}"
        for item in result
        if item["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_is_wider_than_a_phone(open_page, server, view):
    page = open_page(server, view, viewport={"width": 390, "height": 844})
    settled(page, view)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_answers_and_tables_are_no_wider_than_a_phone(open_page, server, folder):
    page = open_page(server, viewport={"width": 390, "height": 844})
    draw(page, "7")
    expect(page.locator(".strip li")).to_have_count(5)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    drop(page, ".ask-pad", [folder])
    expect(page.locator(".progress-words")).to_contain_text("61 pictures in")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_dark_and_light_are_switched_and_kept(open_page, server):
    page = open_page(server, color_scheme="light")
    page.get_by_role("button", name="Dark or light").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(19, 20, 23)"


def test_every_control_is_reached_by_the_keyboard(open_page, server):
    page = open_page(server)
    expect(page.locator("#size")).to_have_text("3,000 references")
    reached = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(NAME_OF_FOCUSED))
    assert {"Ask", "Compare", "Bulk", "Gallery", "Map", "Choose", "eer", "Threshold"} <= reached
