"""Real servers on free local ports, and clients for them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from embedder.data.records import Record
from index.address import Place
from likewise.matcher import Matcher
from likewise.server.run import Server
from likewise.server.settings import Settings
from tests.eventually import eventually
from tests.fakes import FakeEmbedder


def png(record: Record) -> bytes:
    """The picture of a record as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(record.pixels()).save(buffer, "PNG")
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    """An array as the bytes of a file of NumPy's own format."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def image(record: Record) -> dict[str, Any]:
    """A request whose whole body is the picture of a record."""
    return {"content": png(record), "headers": {"Content-Type": "image/png"}}


@contextmanager
def serving(
    gallery: Place,
    settings: Settings | None = None,
    *,
    tell: Callable[[str], object] = lambda line: None,
    ready: int = 200,
) -> Iterator[httpx.Client]:
    """A client of a server in a thread of this process, ended with the block.

    Args:
        gallery: What it serves.
        settings: Its limits and keys.
        tell: Called with what it says on stderr.
        ready: What it must answer to /readyz before the block begins.
    """
    server = Server(gallery, settings or Settings(), tell=tell)
    thread = Thread(target=server.run)
    thread.start()
    try:
        with httpx.Client(base_url=server.address, timeout=60) as client:
            eventually(
                lambda: client.get("/readyz").status_code, until=lambda status: status == ready
            )
            yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def shared(tmp_path_factory, built) -> Iterator[httpx.Client]:
    """A client of one server for all tests of a module, which must not change its gallery."""
    from embedder.model import Embedder

    with pytest.MonkeyPatch.context() as patch:
        fake = FakeEmbedder(tmp_path_factory.mktemp("fake"))
        patch.setattr(Embedder, "load", lambda path=None, *, threads=None: fake)
        with serving(built) as client:
            yield client


@pytest.fixture
def client(gallery) -> Iterator[httpx.Client]:
    """A client of a server over 300 digits as the fake embeds them, to be changed at will."""
    with serving(gallery) as client:
        yield client


@pytest.fixture(scope="session")
def real_gallery(tmp_path_factory, references) -> Path:
    """A gallery of the references as the shipped model embeds them, not to be changed."""
    from embedder.model import Embedder

    path = tmp_path_factory.mktemp("real") / "digits.gallery"
    with Matcher.create(path, Embedder.load()) as matcher:
        matcher.add(references)
    return path
