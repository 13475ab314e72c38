"""The page of a gallery of photographs: pictures come by drop, paste, choice and camera."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

import likewise
from embedder.model import Embedder
from tests.likewise.server.page.driver import Server, draw

pytestmark = pytest.mark.slow
COLOURS = {"red": (200, 40, 40), "blue": (40, 40, 200)}
PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def shots(tmp_path_factory):
    """Sixteen noisy pictures of each of two colours, a folder for each."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("shots")
    for name, colour in COLOURS.items():
        (folder / name).mkdir()
        for place in range(16):
            pixels = np.clip(np.array(colour) + rng.integers(-40, 40, (48, 64, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{place}.png")
    return folder


@pytest.fixture(scope="module")
def photographs(shots, tmp_path_factory):
    path = tmp_path_factory.mktemp("photographs") / "shots.gallery"
    likewise.build(path, str(shots), Embedder.load("photos")).close()
    server = Server(path)
    yield server
    server.stop()


def test_a_click_on_the_sheet_chooses_files_and_draws_nothing(open_page, photographs, shots):
    page = open_page(photographs)
    expect(page.locator("#view-ask .pad-hint")).to_have_text("Drop, paste or choose pictures")
    expect(page.locator("#view-ask [data-do=undo]")).to_be_hidden()
    with page.expect_file_chooser() as chooser:
        page.locator("#view-ask canvas").click()
    chooser.value.set_files(shots / "red" / "0.png")
    expect(page.locator("#ask-answers .neighbour").first).to_contain_text("red")


def test_strokes_leave_no_picture(open_page, photographs):
    page = open_page(photographs)
    expect(page.locator("#view-ask .takes-only")).to_be_visible()
    page.on("filechooser", lambda chooser: None)  # the last stroke ends as a click
    draw(page, "1")
    expect(page.locator("#view-ask [data-do=clear]")).to_be_disabled()


def test_a_phone_offers_its_camera_and_a_desktop_does_not(open_page, photographs):
    camera = "#view-ask [data-do=camera]"
    expect(open_page(photographs).locator(camera)).to_be_hidden()
    phone = open_page(photographs, **PHONE)
    with phone.expect_file_chooser() as chooser:
        phone.locator(camera).click()
    assert chooser.value.element.get_attribute("capture") == "environment"


def test_a_gallery_of_digits_keeps_the_sheet_to_draw_on(open_page, server):
    page = open_page(server)
    expect(page.locator("#view-ask .pad-hint")).to_have_text("Draw a digit")
    expect(page.locator("#view-ask [data-do=undo]")).to_be_visible()
    expect(page.locator("#view-ask [data-do=camera]")).to_be_hidden()
