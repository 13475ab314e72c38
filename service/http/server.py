"""The process: an address, a socket, and an end in which all that was accepted is answered."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, cast

import uvicorn
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from service.errors import ServiceError
from service.http.app import Application, create_app
from service.http.context import Context
from service.http.direct import Exchange, kind_of
from service.http.errors import invalid
from service.http.settings import Settings

_MOST_HEADERS = 64 << 10  # bytes
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    gallery: Path, settings: Settings, *, host: str, port: int, tell: Callable[[str], object]
) -> None:
    """Serve a gallery until the process is told to stop.

    Args:
        gallery: Its directory.
        settings: Limits and keys.
        host: Address to listen at; without keys only a loopback one.
        port: To listen at; 0 takes a free one.
        tell: Called with one sentence once requests are answered, and with the lines of the log.

    Raises:
        ServiceError: If the address is not to be had, or needs keys.
        GalleryError: If there is no gallery, or it is damaged.
    """
    Server(gallery, settings, host=host, port=port, tell=tell).run()


class Server(uvicorn.Server):
    """A gallery at an address: the socket is open from the start, `run` answers.

    Args:
        gallery: As for `serve`, and so on.
    """

    def __init__(
        self,
        gallery: Path,
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
        self._tell = tell
        self._sentence = f"Serving {gallery.name} on {self.address}"
        super().__init__(
            uvicorn.Config(
                app,
                http=_Protocol,
                log_config=None,
                log_level="critical",  # what is worth it stands in our own log
                access_log=False,
                server_header=False,
                ws="none",
                proxy_headers=False,
                timeout_graceful_shutdown=round(settings.grace),
            )
        )

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer until told to stop, then finish what was accepted."""
        super().run([self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer, and say so."""
        await super().startup(sockets)
        self._tell(self._sentence)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End in order: to be told to stop is no failure, so the exit status is 0."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


class _Protocol(HttpToolsProtocol):
    """Answers what is no HTTP in the shape of all errors, and takes no endless headers."""

    _head = 0  # bytes of a request that has come so far, while its headers have not ended

    def data_received(self, data: bytes) -> None:
        """Read on, unless these are headers without end."""
        self._head += len(data)
        super().data_received(data)
        if self._head > _MOST_HEADERS and not self.transport.is_closing():
            self.send_400_response("")

    def on_headers_complete(self) -> None:
        """Start to answer; what follows is the body, which has a limit of its own."""
        self._head = -sys.maxsize
        headers = dict(self.headers)
        most = self._context.settings.max_bytes
        kind = kind_of(self.parser.get_method(), self.url, headers, most)
        if kind is None or (self.cycle is not None and not self.cycle.response_complete):
            super().on_headers_complete()
        else:
            self.cycle = self._exchange(kind, headers)  # type: ignore[assignment]

    @property
    def _application(self) -> Application:
        return cast(Application, self.app)

    @property
    def _context(self) -> Context:
        context: Context = self._application.state.context
        return context

    def on_message_complete(self) -> None:
        """What follows is another request."""
        self._head = 0
        super().on_message_complete()
        cycle: Any = self.cycle
        if isinstance(cycle, Exchange):
            cycle.start()

    def _exchange(self, kind: str, headers: dict[bytes, bytes]) -> Exchange:
        path, _, query = self.url.partition(b"?")
        given = {"path": path.decode(), "raw_path": path, "query_string": query}
        scope = {**self.scope, "method": "POST", **given}
        lasting = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        return Exchange(
            *(self._application.gate, self._context, scope, headers, kind),
            keep_alive=lasting,
            respond=self._respond,
        )

    def _respond(self, exchange: Exchange, response: Response) -> None:
        """Write a whole answer at once, which spares the client a wait for its second part."""
        headers = [*self.server_state.default_headers, *response.raw_headers]
        closing = (b"connection", b"close")
        if closing in headers:
            exchange.keep_alive = False
        elif not exchange.keep_alive:
            headers.append(closing)
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        self.transport.write(
            b"%b%b\r\n%b" % (STATUS_LINE[response.status_code], lines, bytes(response.body))
        )
        if not exchange.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Tell so, and end the connection."""
        error = invalid("This is no HTTP/1.1 request that can be read.")
        body = bytes(error.response().body)
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(body), body)
        )
        self.transport.close()


def _check_address(host: str, settings: Settings) -> None:
    if not settings.keys and host not in _LOOPBACK:
        raise ServiceError(
            f"Without keys a server listens on this machine alone (127.0.0.1). Received: {host}. "
            "Give --keys FILE, or LIKEWISE_READ_KEYS and LIKEWISE_WRITE_KEYS."
        )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise ServiceError(
            f"Cannot listen at {host}, port {port}: {error.strerror or error}. Choose another "
            "with --host and --port; --port 0 takes a free one."
        ) from error
