"""Where a gallery is: the path of a directory, or an address such as postgresql://host/db#shoes.

Does not connect, and needs no driver.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from index.errors import GalleryError

_SCHEMES = ("postgresql", "postgres")
# pathlib makes one slash of two, so one is taken for two; without a host there are three.
_ADDRESS = re.compile(
    rf"\s*(?P<scheme>{'|'.join(_SCHEMES)}):/{{0,2}}(?P<rest>.*?)\s*", re.DOTALL | re.IGNORECASE
)
_FOREIGN = re.compile(r"\s*[a-z][a-z0-9+.-]+:/.*|.*\bpassword\s*=.*", re.DOTALL | re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}")
_SECRET = ("password", "passfile", "sslpassword")
_EXAMPLE = "postgresql://host/database#shoes"


@dataclass(frozen=True, slots=True)
class Address:
    """A gallery in PostgreSQL.

    Attributes:
        url: What libpq connects to, without the gallery; may hold a password.
        name: Name of the gallery in the database.

    Example:
        >>> address = Address.of("postgresql://ann:secret@db.example/shop?sslmode=require#shoes")
        >>> address, address.name
        (Address('postgresql://ann@db.example/shop?sslmode=require#shoes'), 'shoes')
    """

    url: str = field(repr=False)
    name: str

    @classmethod
    def of(cls, text: str) -> Address:
        """Read an address.

        Raises:
            GalleryError: If it names no gallery, or one that cannot be; without the password.
        """
        parts = _ADDRESS.fullmatch(text)
        assert parts is not None, "callers ask `is_address` first"
        rest, _, name = parts["rest"].rpartition("#")
        if not _NAME.fullmatch(name):  # not shown: it may be the end of a password
            raise GalleryError(
                "The address of a gallery in PostgreSQL ends in # and its name: 1 to 48 small "
                f"letters, digits, - and _, as in {_EXAMPLE}"
            )
        return cls(f"postgresql://{rest}", name)

    @property
    def shown(self) -> str:
        """The address without what is secret."""
        user, at, rest = self._parts
        host, _, query = rest.partition("?")
        kept = [pair for pair in query.split("&") if pair.partition("=")[0] not in _SECRET]
        asked = f"?{'&'.join(kept)}" if any(kept) else ""
        return f"postgresql://{user.partition(':')[0]}{at}{host}{asked}#{self.name}"

    @property
    def place(self) -> str:
        """Server, database and gallery: the address without the user and what is asked of them."""
        host = self._parts[2].partition("?")[0]
        return f"postgresql://{host}#{self.name}"

    def environment(self) -> dict[str, str]:
        """What a process needs in its environment that is given the address as it is shown."""
        from urllib.parse import unquote  # not for a cold query of a directory

        user, _, rest = self._parts
        pairs = [pair.partition("=") for pair in rest.partition("?")[2].split("&")]
        asked = {key: unquote(value) for key, _, value in pairs}
        password = asked.get("password", unquote(user.partition(":")[2]))
        wanted = {"PGPASSWORD": password, "PGPASSFILE": asked.get("passfile")}
        return {name: value for name, value in wanted.items() if value}

    def secrets(self) -> list[str]:
        """What no text may show: passwords, each as it stands in the address and decoded."""
        from urllib.parse import unquote

        user, _, rest = self._parts
        pairs = [pair.partition("=") for pair in rest.partition("?")[2].split("&")]
        found = [value for key, _, value in pairs if key in _SECRET]
        found.append(user.partition(":")[2])
        return [text for each in found if each for text in (each, unquote(each))]

    @property
    def _parts(self) -> tuple[str, str, str]:
        """What stands before the last @, that sign, and the rest: a password may hold any sign."""
        return self.url.removeprefix("postgresql://").rpartition("@")

    def __str__(self) -> str:
        return self.shown

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"


Place = Path | Address


def is_address(place: object) -> bool:
    """Whether it names a gallery in a database rather than a directory.

    Example:
        >>> is_address("postgresql://host/db#shoes"), is_address("shoes.gallery")
        (True, False)
    """
    return isinstance(place, Address) or (
        isinstance(place, str) and _ADDRESS.fullmatch(place) is not None
    )


def place_of(place: str | os.PathLike[str] | Address) -> Place:
    """The directory or address that a user names.

    Args:
        place: A path, or an address as text.

    Raises:
        GalleryError: If it is an address without the name of a gallery, or of another kind.
    """
    if isinstance(place, Address):
        return place
    text = os.fspath(place)
    if is_address(text):
        return Address.of(text)
    if _FOREIGN.fullmatch(text):  # not shown: it may hold a password
        raise GalleryError(
            f"A gallery is a directory, or an address such as {_EXAMPLE}. Received an address of "
            "another kind."
        )
    return Path(text)


def cache_folder() -> Path:
    """Where local copies of galleries in databases lie: LIKEWISE_CACHE, or the user's cache."""
    if chosen := os.environ.get("LIKEWISE_CACHE"):
        return Path(chosen)
    if os.name == "nt" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local, "likewise")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "likewise")
