"""The server process: bind, serve, shut down gracefully."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Timer
from types import FrameType

import uvicorn

from index.address import Place
from likewise.errors import LikewiseError
from likewise.server.app import create_app
from likewise.server.lines import LineWriter, all_in
from likewise.server.logs import noted
from likewise.server.protocol import Protocol
from likewise.server.settings import Settings

_FOR_REQUESTS = 0.85  # of the grace; the rest is for what ends after them
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    gallery: Place, settings: Settings, *, host: str, port: int, tell: Callable[[str], object]
) -> None:
    """Serve a gallery until the process receives a signal.

    Args:
        gallery: Its directory or address.
        settings: Limits and keys.
        host: Address to listen on; without keys only a loopback address.
        port: Port to listen on; 0 picks a free one.
        tell: Called with a sentence once the server is ready, and with log lines.

    Raises:
        LikewiseError: If the address is unavailable, or needs keys.
        GalleryError: If there is no gallery, or it is damaged.
    """
    lines = LineWriter(tell)
    try:
        with all_in(lines):
            Server(gallery, settings, host=host, port=port, tell=lines).run()
    finally:
        lines.close()


class Server(uvicorn.Server):
    """A gallery at an address: the socket opens now, `run` serves.

    Args:
        gallery: The gallery's directory or address; the other arguments are as for `serve`.
    """

    def __init__(
        self,
        gallery: Place,
        settings: Settings,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tell: Callable[[str], object] = lambda sentence: None,
    ) -> None:
        _check_address(host, settings)
        self._listener = _listen(host, port)
        try:
            app = create_app(gallery, settings, tell)
        except BaseException:
            self._listener.close()
            raise
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{self._listener.getsockname()[1]}/"
        self._tell, self._grace = tell, settings.grace
        self._sentence = f"Serving {gallery.name} on {self.address}"
        super().__init__(
            uvicorn.Config(
                app,
                http=Protocol,
                log_config=None,
                log_level="critical",  # we write our own log
                access_log=False,
                server_header=False,
                ws="none",
                proxy_headers=False,
                timeout_graceful_shutdown=max(1, int(_FOR_REQUESTS * settings.grace)),
            )
        )

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal, then finish accepted requests."""
        super().run([self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start serving and announce it."""
        await super().startup(sockets)
        self._tell(self._sentence)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Shut down gracefully: a signal is not a failure, so the exit status is 0.

        After the grace period the process exits whatever it is doing: acknowledged changes are
        durable.
        """
        if not self.should_exit:
            last = Timer(self._grace, self._cut_off)
            last.daemon = True
            last.start()
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    def _cut_off(self) -> None:
        with suppress(Exception):
            self._tell(noted(f"Ended after {self._grace:g} s with work that did not stop."))
        if isinstance(self._tell, LineWriter):
            self._tell.close()
        os._exit(1)


def _check_address(host: str, settings: Settings) -> None:
    if settings.keys is None and host not in _LOOPBACK:
        raise LikewiseError(
            f"Without keys a server listens only on this machine (127.0.0.1). Received: {host}. "
            "Pass --keys FILE, or set LIKEWISE_READ_KEYS and LIKEWISE_WRITE_KEYS."
        )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise LikewiseError(
            f"Cannot listen at {host}, port {port}: {error.strerror or error}. Choose another "
            "with --host and --port; --port 0 takes a free one."
        ) from error
