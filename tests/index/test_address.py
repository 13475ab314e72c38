"""Addresses of galleries in PostgreSQL: what they mean, and what no text shows of them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.address import Address, cache_folder, is_address, place_of
from index.errors import GalleryError

PASSWORDS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=6)


def test_a_path_stays_a_path() -> None:
    for path in ("shoes.gallery", "./postgresql", "post/gres:1", Path("a#b")):
        assert place_of(path) == Path(path)
        assert not is_address(path)


def test_an_address_has_its_gallery_after_the_number_sign() -> None:
    address = place_of("postgresql://ann@a:5432,b/shop?sslmode=require&connect_timeout=3#shoes")
    assert isinstance(address, Address)
    assert address.name == "shoes"
    assert address.url == "postgresql://ann@a:5432,b/shop?sslmode=require&connect_timeout=3"
    assert str(address) == f"{address.url}#shoes"
    assert address.place == "postgresql://a:5432,b/shop#shoes"
    assert place_of(address) is address


@given(PASSWORDS)
def test_no_text_shows_a_password(password: str) -> None:
    shown = "postgresql://ann@h/shop?sslmode=require#shoes"
    for secret in (password, quote(password, safe="")):
        address = Address.of(f"postgresql://ann:{secret}@h/shop?sslmode=require#shoes")
        assert str(address) == shown
        assert repr(address) == f"Address({shown!r})"
        assert secret in address.secrets()
    quoted = quote(password, safe="")
    address = Address.of(f"postgresql://h/shop?user=ann&password={quoted}&sslmode=require#shoes")
    assert str(address) == "postgresql://h/shop?user=ann&sslmode=require#shoes"
    assert address.environment() == {"PGPASSWORD": password}


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("postgresql:///shop?host=h#shoes", "postgresql:///shop?host=h"),  # as libpq has it
        ("PostgreSQL://h/shop#shoes", "postgresql://h/shop"),
        (" postgresql://h/shop#shoes ", "postgresql://h/shop"),
        ("postgresql:/h/shop#shoes", "postgresql://h/shop"),  # what pathlib makes of two slashes
    ],
)
def test_an_address_is_known_however_it_is_written(text: str, url: str) -> None:
    address = place_of(text)
    assert isinstance(address, Address)
    assert (address.url, address.name) == (url, "shoes")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql+psycopg://ann:hidden@h/shop#shoes",
        "mysql://ann:hidden@h/shop#shoes",
        "host=h password=hidden#shoes",
    ],
)
def test_an_address_of_another_kind_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(GalleryError, match="an address such as postgresql://") as caught:
        place_of(text)
    assert "hidden" not in str(caught.value)


def test_a_file_of_passwords_is_named_in_the_environment() -> None:
    address = Address.of("postgresql://ann@h/shop?passfile=%2Fetc%2Fpgpass#shoes")
    assert address.environment() == {"PGPASSFILE": "/etc/pgpass"}
    assert "pgpass" not in str(address)


def test_an_address_without_a_password_needs_none_in_the_environment() -> None:
    assert Address.of("postgresql://ann@h/shop?sslpassword=x#shoes").environment() == {}


def test_the_cache_lies_where_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIKEWISE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/likewise")
    monkeypatch.setenv("LIKEWISE_CACHE", "/elsewhere")
    assert cache_folder() == Path("/elsewhere")
