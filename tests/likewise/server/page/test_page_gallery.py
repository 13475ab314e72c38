"""The views Gallery and Map: groups, references, adding and removing, the plane."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from itertools import islice

import pytest
from playwright.sync_api import Page, expect

from embedder.data.sources import records
from embedder.model import Embedder
from likewise.matcher import Matcher
from tests.likewise.server.conftest import png
from tests.likewise.server.page.driver import Point, Server, draw, drop, point_at_a_reference

pytestmark = pytest.mark.slow

REFRESH_THE_MAP = """async () => {
    const address = (name) => new URL(`${name}.js`, document.querySelector("script[src]").src);
    const { refreshGallery } = await import(address("state"));
    const { show } = await import(address("map"));
    await refreshGallery();
    await show();
}"""

PIXELS = """() => {
    const pen = document.createElement("canvas").getContext("2d");
    pen.drawImage(document.querySelector(".browse img"), 0, 0, 28, 28);
    return [...pen.getImageData(0, 0, 28, 28).data].join();
}"""


@pytest.fixture
def own(digits, tmp_path) -> Iterator[Server]:
    """A server over a copy of the gallery, to be changed at will."""
    server = Server(shutil.copytree(digits, tmp_path / "digits.gallery"))
    yield server
    server.stop()


@pytest.fixture
def gallery(open_page, own) -> Page:
    return open_page(own, "gallery")


def test_each_group_shows_its_count_and_samples(open_page, server):
    page = open_page(server, "gallery")
    expect(page.locator(".group")).to_have_count(10)
    groups = page.request.get(f"{server.address}/v1/groups").json()["groups"]
    seven = next(group for group in groups if group["label"] == "7")
    card = page.locator(".group").filter(has=page.get_by_text("7", exact=True))
    expect(card).to_contain_text(f"{seven['references']} references")
    expect(card.locator("img")).to_have_count(6)


def test_a_group_is_browsed_page_by_page(open_page, server):
    page = open_page(server, "gallery/7")
    shown = page.locator(".browse li")
    expect(shown).to_have_count(120)
    page.get_by_role("button", name="Show more").click()
    expect(shown).to_have_count(240)


def test_a_bare_percent_sign_in_the_address_is_one_of_the_label(open_page, server):
    page = open_page(server, "gallery/50%")  # no group has this label
    expect(page.locator(".group")).to_have_count(10)
    expect(page.locator("#size")).to_have_text("3,000 references")


def test_metadata_may_be_called_as_the_group_is(own, open_page):
    page = open_page(own, "gallery")
    zeros = [0.0] * page.request.get(f"{own.address}/v1/gallery").json()["model"]["dim"]
    body = {"label": "seven", "vector": zeros, "metadata": {"Group": "eight"}}
    assert page.request.put(f"{own.address}/v1/references/odd", data=body).status == 201
    page.watch.expected.append("404")  # it has no picture
    page.goto(f"{own.address}/#gallery/seven")
    page.locator(".browse button").click()
    expect(page.locator("#reference-dialog dd")).to_have_text(["seven", "eight"])


def test_a_replaced_picture_is_shown_as_it_is_now(own, open_page):
    page = open_page(own, "gallery")
    pictures = [png(record) for record in islice(records("mnist/test"), 2)]
    place, shown = f"{own.address}/v1/references/mine?label=mine", []
    for picture in pictures:
        page.request.put(place, data=picture, headers={"Content-Type": "image/png"})
        page.goto(f"{own.address}/#gallery/mine")
        page.reload()
        expect(page.locator(".browse img")).to_have_js_property("complete", True)
        shown.append(page.evaluate(PIXELS))
    assert shown[0] != shown[1]


def test_the_operating_points_say_what_they_promise(open_page, server):
    page = open_page(server, "gallery")
    expect(page.locator(".promises")).to_contain_text("of unknown pictures find a match (FPIR")
    expect(page.locator(".promises")).to_contain_text("in use")


def test_an_added_picture_is_found_and_a_removed_one_is_not(gallery, folder, own):
    drop(gallery, ".enrol", [folder / "00.png"])
    gallery.get_by_label("Group", exact=True).fill("seven")
    gallery.get_by_role("button", name="Add 1 picture").click()
    expect(gallery.locator(".outcome")).to_have_text("1 added, 0 renamed, 0 unchanged.")
    expect(gallery.locator("#size")).to_have_text("3,001 references")
    expect(gallery.locator(".group")).to_have_count(11)

    gallery.locator(".group").filter(has_text="seven").click()
    gallery.locator(".browse button").click()
    gallery.get_by_role("button", name="Remove").click()
    gallery.get_by_role("button", name="Remove for good").click()
    expect(gallery.locator("#size")).to_have_text("3,000 references")
    assert gallery.request.get(f"{own.address}/v1/references/00.png").status == 404


def test_a_changed_gallery_warns_that_its_threshold_is_of_before(gallery, folder):
    drop(gallery, ".enrol", [folder / "01.png"])
    gallery.get_by_label("Group", exact=True).fill("2")
    gallery.get_by_role("button", name="Add 1 picture").click()
    expect(gallery.locator(".warning")).to_contain_text("The gallery has changed since 'fpir-0.01'")


def test_a_drawing_can_be_added_to_the_group_that_was_found(open_page, own):
    page = open_page(own)
    draw(page, "7")
    page.get_by_role("button", name="Add to the gallery").click()
    expect(page.get_by_label("Group", exact=True)).not_to_have_value("")
    expect(page.get_by_role("button", name="Add 1 picture")).to_be_visible()


def test_a_server_that_only_reads_says_why_nothing_can_be_added(digits, open_page):
    server = Server(digits, "--read-only")
    page = open_page(server, "gallery")
    expect(page.locator(".enrol")).to_contain_text("This server is read-only")
    expect(page.get_by_role("button", name="Add")).to_have_count(0)
    server.stop()


def test_the_map_shows_the_picture_of_the_point_in_the_middle_for_the_keyboard(open_page, server):
    page = open_page(server, "map")
    canvas = page.get_by_role("application")
    expect(canvas).to_be_visible()
    canvas.focus()
    page.keyboard.press("+")
    expect(page.locator(".map-card img")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#reference-dialog")).to_be_visible()


def test_the_keyboard_stays_on_the_map_when_the_gallery_changes(open_page, own, folder):
    page = open_page(own, "map")
    canvas = page.get_by_role("application")
    canvas.focus()
    added = page.request.put(
        f"{own.address}/v1/references/x?label=7",
        data=(folder / "00.png").read_bytes(),
        headers={"Content-Type": "image/png"},
    )
    assert added.ok
    page.evaluate(REFRESH_THE_MAP)
    expect(page.locator("#size")).to_have_text("3,001 references")
    expect(canvas).to_be_focused()


def test_the_map_shows_a_point_s_picture_under_the_mouse(open_page, server):
    page = open_page(server, "map")
    expect(page.get_by_role("application")).to_be_visible()
    point_at_a_reference(page)
    expect(page.locator(".map-card b")).to_be_visible()


def meant(page: Page, place: Point) -> str | None:
    """The reference that the map shows where the mouse is put."""
    page.mouse.move(0, 0)
    page.mouse.move(*place)
    card = page.locator(".map-card")
    return card.locator(".quiet").inner_text() if card.is_visible() else None


def off_centre(page: Page, server: Server) -> tuple[str, Point, Point]:
    """A reference on the whole map, its place in the window, and that of the map's middle."""
    points = page.request.get(f"{server.address}/v1/gallery/map").json()["points"]
    box = page.locator("canvas.map").bounding_box()
    assert box is not None
    low, high = (
        {axis: edge(point[axis] for point in points) for axis in "xy"} for edge in (min, max)
    )
    room = {"x": box["width"] - 2 * 28, "y": box["height"] - 2 * 28}
    unit = min(room[axis] / (high[axis] - low[axis]) for axis in "xy")
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def place(point) -> Point:
        right, up = (point[axis] - (low[axis] + high[axis]) / 2 for axis in "xy")
        return middle[0] + right * unit, middle[1] - up * unit

    def away(point) -> float:  # from where a point's way to the edge is half done
        return abs(math.dist(place(point), middle) - box["height"] / 5)

    chosen = min(points, key=away)
    return chosen["id"], place(chosen), middle


def zoomed(place: Point, about: Point, factor: float) -> Point:
    """Where a place comes to lie."""
    x, y = (centre + (index - centre) * factor for index, centre in zip(place, about, strict=True))
    return x, y


def test_the_wheel_zooms_the_map_about_the_mouse(open_page, server):
    page = open_page(server, "map")
    expect(page.get_by_role("application")).to_be_visible()
    id, place, middle = off_centre(page, server)
    assert meant(page, place) == id
    twice = zoomed(place, middle, 2)
    assert meant(page, twice) != id
    page.mouse.move(*middle)
    page.mouse.wheel(0, -300 * math.log(2))
    assert meant(page, twice) == id
    page.get_by_role("button", name="Show all").click()
    assert meant(page, place) == id


def test_two_fingers_zoom_the_map(open_page, server):
    page = open_page(server, "map", has_touch=True)
    expect(page.get_by_role("application")).to_be_visible()
    id, place, middle = off_centre(page, server)
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *apart: float) -> None:
        x, y = middle
        points = [{"x": x + side, "y": y, "id": index} for index, side in enumerate(apart)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", -60, 60)
    for half in (70, 80, 100, 120):
        touch("touchMove", -half, half)
    touch("touchEnd")
    assert meant(page, zoomed(place, middle, 2)) == id


def test_a_tap_on_the_map_shows_a_point_s_picture(open_page, server):
    page = open_page(server, "map", has_touch=True)
    expect(page.get_by_role("application")).to_be_visible()
    place = point_at_a_reference(page)
    page.mouse.move(0, 0)
    expect(page.locator(".map-card")).to_be_hidden()
    page.touchscreen.tap(*place)
    expect(page.locator(".map-card img")).to_be_visible()


def test_the_map_stays_when_what_was_asked_about_is_not_a_picture(open_page, server, folder):
    page = open_page(server)
    page.watch.expected.append("422")
    drop(page, ".ask-pad", [folder / "note.txt"])
    expect(page.locator(".headline")).to_have_text("Not readable")
    page.get_by_role("link", name="Map").click()
    expect(page.locator(".landed .lead")).to_contain_text("icture")
    expect(page.get_by_role("application")).to_be_visible()


def test_the_map_marks_where_a_drawing_landed(open_page, server):
    page = open_page(server)
    draw(page, "7")
    expect(page.locator(".answer")).to_be_visible()
    page.get_by_role("link", name="Map").click()
    expect(page.get_by_text("Your picture is marked by a ring.")).to_be_visible()


@pytest.fixture(scope="module")
def bare(tmp_path_factory, folder) -> Iterator[Server]:
    """A server over a gallery of pictures without labels."""
    path = tmp_path_factory.mktemp("bare") / "bare.gallery"
    with Matcher.create(path, Embedder.load()) as matcher:
        matcher.add(records(folder), unlabelled=True)
    server = Server(path)
    yield server
    server.stop()


def test_a_gallery_without_groups_shows_what_is_nearest(open_page, bare, folder):
    page = open_page(bare)
    expect(page.locator("#size")).to_have_text("60 references")
    drop(page, ".ask-pad", [folder / "07.png"])
    expect(page.locator(".answer .sentence")).to_have_text("The nearest is 07.png, at 0.000.")
    expect(page.locator(".strip li")).to_have_count(5)
    expect(page.locator("#ask-threshold")).to_be_hidden()


def test_references_without_a_group_are_browsed_together(open_page, bare):
    page = open_page(bare, "gallery")
    expect(page.locator("#gallery .intro")).to_have_text(
        "60 references in 0 groups, 60 without a group."
    )
    page.locator(".group").click()
    expect(page.locator(".browse li")).to_have_count(60)
    page.locator(".browse button").first.click()
    expect(page.locator("#reference-dialog")).to_contain_text("none")
