"""Files as responses, whole or in ranges."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from likewise.server.errors import ApiError, invalid


class ServedFile(FileResponse):
    """A file; the framework would answer a wrong `Range` in plain text."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file.

        Raises:
            ApiError: If the header `Range` cannot be read, or begins after the file's end.
        """

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                raise _wrong_range(message)
            await send(message)

        await super().__call__(scope, receive, told)


def _wrong_range(message: Message) -> ApiError:
    error = invalid(
        "`Range` must name bytes that the file has, as in bytes=0-499.", "Leave it out for all."
    )
    error.status_code = int(HTTPStatus(message["status"]))
    size = dict(message["headers"]).get(b"content-range")
    error.headers = {} if size is None else {"Content-Range": size.decode()}
    return error
