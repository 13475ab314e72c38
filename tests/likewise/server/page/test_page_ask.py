"""The view Ask: drawn, dropped and pasted pictures, their answers, the threshold."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from bench.page import first_answer
from tests.likewise.server.page.driver import STROKES, draw, drop

pytestmark = pytest.mark.slow

SHEET = "#view-ask canvas"


@pytest.mark.parametrize("digit", STROKES)
def test_a_digit_drawn_with_the_mouse_is_that_digit(page, digit):
    draw(page, digit)
    expect(page.locator(".strip li")).to_have_count(5)
    choose_eer(page)
    expect(page.locator(".answer .chip")).to_have_text("Match")
    expect(page.locator(".headline")).to_have_text(digit)
    expect(page.locator(".sentence")).to_contain_text(f"{digit}, at 0.")


def test_the_benchmark_tells_when_a_chosen_picture_is_answered(browser, server, folder):
    answered, loaded = first_answer(browser, server.address, folder / "00.png")
    assert loaded > 0
    assert answered > 0


def choose_eer(page: Page) -> None:
    page.locator(".ask .points").get_by_role("button", name="eer").click()


def test_a_chosen_operating_point_stays_when_the_gallery_is_described_again(open_page, server):
    page = open_page(server)
    choose_eer(page)
    page.evaluate("""async () => {
        const main = document.querySelector("script[type=module]").src;
        const { refreshGallery } = await import(main.replace("main", "state"));
        await refreshGallery();
    }""")
    chosen = page.locator(".ask .points button[aria-pressed=true]")
    expect(chosen).to_have_text("eer")
    page.locator(".ask .slider").fill("500")  # the user's own threshold, of no point
    expect(chosen).to_have_count(0)


def test_a_seven_drawn_with_a_finger_is_a_seven(open_page, server):
    page = open_page(server, has_touch=True)
    expect(page.locator("#size")).to_have_text("3,000 references")
    box = page.locator(SHEET).bounding_box()
    session = page.context.new_cdp_session(page)
    [stroke] = STROKES["7"]
    points = [
        [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}] for x, y in stroke
    ]
    for kind, touched in [("touchStart", points[0])] + [("touchMove", item) for item in points[1:]]:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    choose_eer(page)
    expect(page.locator(".headline")).to_have_text("7")


def test_the_answer_is_read_out(page):
    draw(page, "7")
    expect(page.get_by_role("status").first).to_contain_text("a match is at most")


def test_undo_takes_back_the_last_stroke_and_clear_all(page):
    undo, clear = (page.get_by_role("button", name=name).first for name in ("Undo", "Clear"))
    draw(page, "4")  # two strokes
    expect(page.locator(".answer")).to_be_visible()
    undo.click()
    expect(undo).to_be_enabled()
    undo.click()
    expect(page.locator("#ask-empty")).to_be_visible()
    expect(undo).to_be_disabled()
    draw(page, "4")
    expect(page.locator(".answer")).to_be_visible()
    clear.click()
    expect(page.locator(".answer")).to_be_hidden()


def test_a_dropped_picture_is_shown_and_answered(page, folder):
    drop(page, ".ask-pad", [folder / "00.png"])  # the first test digit is a 7
    expect(page.locator(".headline")).to_have_text("7")
    expect(page.locator(".ask .shown")).to_be_visible()


def test_a_pasted_picture_is_answered(page, folder):
    content = list((folder / "00.png").read_bytes())
    page.evaluate(
        """content => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(content)], "pasted.png", { type: "image/png" }));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }));
        }""",
        content,
    )
    expect(page.locator(".headline")).to_have_text("7")


def test_what_is_not_a_picture_is_reported_in_one_sentence(page, folder):
    page.watch.expected.append("422")
    drop(page, ".ask-pad", [folder / "note.txt"])
    expect(page.locator(".headline")).to_have_text("Not readable")
    expect(page.locator(".sentence")).to_contain_text("icture")


def test_several_pictures_get_a_row_each(page, folder):
    drop(page, ".ask-pad", [folder / "00.png", folder / "01.png", folder / "note.txt"])
    rows = page.locator(".answer-row")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("00.png")
    expect(rows.nth(2)).to_contain_text("Not readable")
    expect(page.locator(".histogram .dot").first).to_be_attached()
    rows.nth(1).click()
    expect(rows.nth(1)).to_have_attribute("aria-pressed", "true")


def test_the_threshold_decides_anew_while_it_moves(page):
    draw(page, "7")
    expect(page.locator(".answer")).to_be_visible()
    slider = page.get_by_role("slider").first
    slider.focus()
    page.keyboard.press("End")
    expect(page.locator(".answer .chip")).to_have_text("Match")
    page.keyboard.press("Home")  # 0: only an identical picture
    expect(page.locator(".answer .chip")).to_have_text("No match")
    expect(page.locator(".sentence")).to_contain_text("The nearest is a 7, at 0.")
    expect(slider).to_have_attribute(
        "aria-valuetext", re.compile("^0.000. FPIR.* FMR, one to one < .*")
    )


def test_the_rates_follow_the_threshold(page, server):
    known = page.request.get(f"{server.address}/v1/gallery/distances").json()
    choose_eer(page)
    threshold = page.request.get(f"{server.address}/v1/gallery").json()["operating_points"]["eer"]
    index = max(
        place
        for place, measured in enumerate(known["thresholds"])
        if measured <= threshold["threshold"]
    )
    rates = page.locator(".ask .rates")
    for name, rate in (
        ("FMR, one to one", known["fmr"][index]),
        ("FNMR, one to one", known["fnmr"][index]),
    ):
        shown = rates.locator("div").filter(has=page.get_by_text(name, exact=True)).locator("b")
        assert float(shown.inner_text().removesuffix("\u00a0%")) == pytest.approx(
            100 * rate, rel=0.01
        )


def test_the_histogram_marks_the_distance_and_says_so(page):
    draw(page, "7")
    expect(page.locator(".ask .histogram .dot.chosen")).to_be_attached()
    expect(page.locator(".ask .histogram path")).to_have_count(2)
    expect(page.locator(".ask .histogram")).to_have_attribute("aria-label", re.compile("is at 0"))


def test_only_the_latest_question_is_answered(page):
    """The first request is held back until the second is answered."""
    held: list[Route] = []

    def hold_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/v1/check*", hold_first)
    draw(page, "1")
    page.get_by_role("button", name="Clear").first.click()
    draw(page, "7")
    choose_eer(page)
    expect(page.locator(".headline")).to_have_text("7")
    answered = {"rows": [], "generation": 1, "point": None}
    held[0].fulfill(body=json.dumps(answered), content_type="application/json")
    expect(page.locator(".headline")).to_have_text("7")


def test_the_threshold_may_move_while_another_question_is_under_way(page, folder):
    drop(page, ".ask-pad", sorted(folder.glob("*.png"))[:3])
    expect(page.locator(".answer-row")).to_have_count(3)
    page.route("**/v1/check*", lambda route: None)  # never answered
    draw(page, "7")
    page.get_by_role("slider").first.focus()
    page.keyboard.press("Home")
    expect(page.locator(".answer-row .chip").first).to_have_text("No match")
    expect(page.locator(".answer-row")).to_have_count(3)


def test_a_question_that_failed_can_be_asked_again(page):
    page.watch.expected.append("504")
    output = {"code": "timeout", "message": "The request took too long.", "hint": None}
    page.route("**/v1/check*", lambda route: route.fulfill(status=504, json=output), times=1)
    draw(page, "7")
    expect(page.locator("#ask-error")).to_contain_text("The request took too long.")
    page.locator("#ask-error").get_by_role("button", name="Try again").click()
    expect(page.locator(".strip li")).to_have_count(5)
    expect(page.locator("#ask-error")).to_be_hidden()


def test_a_neighbour_opens_its_reference(page):
    draw(page, "7")
    first = page.locator(".strip .neighbour").first
    id = first.get_attribute("title").split(", ")[-1]
    first.click()
    expect(page.locator("#reference-title")).to_have_text(id)
    page.keyboard.press("Escape")
    expect(page.locator("#reference-dialog")).to_be_hidden()


def test_many_pictures_go_to_the_bulk_view(page, folder: Path):
    drop(page, ".ask-pad", [folder])
    expect(page.locator("#bulk-title")).to_be_visible()
    expect(page.locator(".progress-words")).to_contain_text("61 pictures in")
