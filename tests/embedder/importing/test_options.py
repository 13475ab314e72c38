"""Options that a program passes are taken for what they mean, or refused in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embedder.errors import ImportOptionError
from embedder.importing.options import ImportOptions


def read(**options: Any) -> ImportOptions:
    """Options as `likewise.adopt` takes them, of any type."""
    return ImportOptions(**options)


@pytest.mark.parametrize(
    ("option", "wrong", "expected"),
    [
        ("size", "64x48", r"\(height, width\)"),
        ("size", 64, r"\(height, width\)"),
        ("size", (64, 48, 3), r"\(height, width\)"),
        ("size", (0, 48), r"\(height, width\)"),
        ("size", ("64", "48"), r"\(height, width\)"),
        ("skip", 3, "names of layers"),
        ("skip", (1, 2), "names of layers"),
        ("licence", 3, "path of a text file"),
        ("channels", "BGR", "one of grey, rgb, bgr"),
        ("layout", "nchw", "one of hwc, chw"),
        ("resize", "fit", "one of pad, stretch, crop"),
        ("resize", None, "one of pad, stretch, crop"),
        ("precision", "int8", "one of float32, float16"),
    ],
)
def test_what_an_option_cannot_be_is_refused_with_what_it_must_be(option, wrong, expected):
    with pytest.raises(ImportOptionError, match=f"`{option}` must be .*{expected}.* Received: "):
        read(**{option: wrong})


def test_one_name_of_a_layer_is_one_name():
    assert read(skip="un").skip == ("un",)
    assert read(skip=["un", "l2"]).skip == ("un", "l2")


def test_a_licence_may_be_named_in_text():
    assert read(licence="LICENCE").licence == Path("LICENCE")


def test_a_size_may_be_a_list():
    assert read(size=[64, 48]).size == (64, 48)
