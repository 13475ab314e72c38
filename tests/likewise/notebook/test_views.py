"""Answers and galleries display themselves in a notebook: escaped, with pictures, not too large."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from index.decision import ERROR, CheckOptions, Decision
from index.gallery import Gallery
from likewise.matcher import Matcher
from likewise.notebook.thumbnails import SIDE, thumbnail
from likewise.notebook.views import BYTES, ROWS, TILES, decisions_view, gallery_view
from likewise.output.printable import printable
from likewise.pictures import QueryPictures

MARKUP = '<script>alert("1")</script>\'&amp;'


class Page(HTMLParser):
    """The elements and the text of a page; asserts that what is opened is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("img", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.text += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


def decoded(address: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))))


def pictures_of(html: str) -> list[np.ndarray]:
    return [decoded(address) for address in re.findall(r'src="([^"]*)"', html)]


def test_decisions_show_the_query_its_neighbours_and_what_was_decided(matcher, queries):
    [decision] = decisions = matcher.check(queries[:1])
    html = decisions._repr_html_()
    page = Page(html)
    shown = pictures_of(html)
    assert len(shown) == 1 + 5
    np.testing.assert_array_equal(shown[0], queries[0].pixels())
    for picture, near in zip(shown[1:], decision.neighbours, strict=True):
        np.testing.assert_array_equal(picture, matcher.gallery.get(near.id).picture)
        assert f"{near.distance:.4f}" in page.text
    assert queries[0].id in page.text
    assert "match" in page.text
    assert f"{decision.distance:.4f} ≤ {decision.threshold:.4f}" in page.text
    near = sum(neighbour.distance <= decision.threshold for neighbour in decision.neighbours)
    assert html.count('class="lw-near"') == near


def test_neighbours_show_the_query_and_its_references(matcher, queries):
    neighbours = matcher.query(queries[:3], k=TILES + 2)
    html = neighbours._repr_html_()
    assert len(pictures_of(html)) == 3 * (1 + TILES)
    assert Page(html).text.count("and 2 more") == 3


def test_a_matcher_shows_its_groups_with_their_counts(matcher):
    page = Page(matcher._repr_html_())
    assert "digits.gallery: 300 references of 10 groups" in page.text
    for label, count in matcher.gallery.labels.items():
        assert f"{label}{count} references" in "".join(page.text.split("\n"))
    assert page.count("img") == 10 * TILES


def test_an_unreadable_picture_shows_its_reason(matcher, scans):
    for answers in (matcher.check([scans / "06.png"]), matcher.query([scans / "06.png"])):
        page = Page(answers._repr_html_())
        assert "not a picture in a format that can be read" in page.text
        assert re.search("1 picture, 1 unreadable|1 decision: 1 error", page.text)
        assert page.count("img") == 0


@pytest.mark.parametrize("show", ["check", "query"])
def test_no_pictures_show_an_empty_table(matcher, show):
    assert Page(getattr(matcher, show)([])._repr_html_()).count("tr") == 0


def test_markup_in_names_is_text(tmp_path, fake, references):
    label = f"label {MARKUP}"
    with Matcher.create(tmp_path / "<b>.gallery", fake) as matcher:
        matcher.add([replace(references[0], id=f"reference {MARKUP}", label=label)])
        query = replace(references[0], id=f"query {MARKUP}")
        answers, neighbours, whole = (
            Page(matcher.check(query)._repr_html_()),
            Page(matcher.query(query)._repr_html_()),
            Page(matcher._repr_html_()),
        )
    for page in (answers, neighbours, whole):
        assert not {"script", "b>"} & {name for name, _ in page.elements}
        assert f"reference {MARKUP}" in [attributes.get("alt") for _, attributes in page.elements]
        assert label in page.text
    assert f"query {MARKUP}" in answers.text
    assert f"query {MARKUP}" in neighbours.text
    assert "<b>.gallery" in whole.text


@given(st.text(min_size=1, max_size=50))
def test_a_reason_of_any_characters_is_shown_as_text_alone(text):
    decision = Decision(ERROR, None, None, 0.5, None, None, [], text)
    pictures = QueryPictures(np.zeros((1, 28, 28), np.uint8), None)
    html = decisions_view([decision], pictures, None)  # type: ignore[arg-type]
    html.encode()  # halves of characters could not be stored in a notebook
    shown = printable(text)
    expected = shown if len(shown) <= 60 else f"{shown[:59]}…"
    assert expected.strip() in Page(html).text.replace("\r\n", "\n")


def test_twenty_rows_are_shown_and_the_rest_is_counted(matcher, queries):
    page = Page(matcher.check(queries)._repr_html_())
    assert page.count("tr") == ROWS == 20
    assert f"20 of {len(queries)} are shown." in page.text


def test_pages_stay_within_their_size_however_large_pictures_and_names_are(tmp_path, rng):
    names = [f"{number} {'&' * 500}" for number in range(30)]
    pictures = rng.integers(0, 256, (30, 200, 300, 3), dtype=np.uint8)
    path = tmp_path / "wide.gallery"
    with Gallery.create(path, dim=2, fingerprint="3f9a1c") as gallery:
        vectors = rng.random((30, 2), dtype=np.float32)
        gallery.add(names, vectors, names, pictures=pictures)
        decisions = gallery.check(vectors, CheckOptions(k=30, threshold=1.0))
        answers = decisions_view(decisions, QueryPictures(pictures, None), gallery)
        groups = gallery_view(gallery)
    # 4 kB of noise as JPEG, seven times in a row: fewer than twenty rows fit
    assert BYTES * 0.8 < len(answers.encode()) <= BYTES == 200_000
    assert re.search(r"\b1?\d of 30 are shown", Page(answers).text)
    assert len(groups.encode()) <= BYTES
    assert "20 of 30 are shown" in Page(groups).text


def test_a_closed_gallery_shows_answers_without_pictures_of_references(matcher, queries):
    decisions = matcher.check(queries[:2])
    matcher.close()
    page = Page(decisions._repr_html_())
    assert page.count("img") == 2
    assert sum(attributes.get("role") == "img" for _, attributes in page.elements) == 2 * 5
    assert "is closed" in Page(matcher._repr_html_()).text


def test_a_reference_that_was_removed_has_no_picture(matcher, queries):
    decisions = matcher.check(queries[:1])
    matcher.gallery.remove([decisions[0].neighbours[0].id])
    assert Page(decisions._repr_html_()).count("img") == 5


def test_references_without_pictures_are_named(tmp_path):
    with Gallery.create(tmp_path / "g", dim=2, fingerprint="3f9a1c") as gallery:
        gallery.add(["a"], np.eye(2, dtype=np.float32)[:1], ["cat"])
        page = Page(gallery_view(gallery))
    assert {"aria-label": "no picture of a"} in [
        {"aria-label": attributes.get("aria-label")} for _, attributes in page.elements
    ]


def test_an_empty_gallery_shows_that_it_is(tmp_path, fake):
    with Matcher.create(tmp_path / "empty.gallery", fake) as matcher:
        assert "empty.gallery: 0 references of 0 groups" in Page(matcher._repr_html_()).text


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (28, 28, 3), (1, 500), (600, 400, 3)])
def test_a_thumbnail_is_small_and_of_the_same_picture(rng, shape):
    picture = rng.integers(0, 256, shape, dtype=np.uint8)
    address = thumbnail(picture)
    small = decoded(address)
    assert len(address) < 8000
    assert max(small.shape[:2]) <= SIDE
    if max(shape[:2]) <= 28:
        assert abs(float(small.mean()) - float(picture.mean())) < 3
