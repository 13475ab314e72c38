"""Error responses, all of one shape: `{"code", "message", "hint"}`."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import Response

from embedder.errors import (
    BoxError,
    DecodingError,
    EmbeddingError,
    FormatError,
    ImageError,
    PreparationError,
    TooManyPixelsError,
)
from index.errors import (
    BusyError,
    EmptyGalleryError,
    FingerprintError,
    FullDiskError,
    NoGroupsError,
    OlderStateError,
    PartMissingError,
    ReadOnlyError,
    ReferenceNotFoundError,
    ReplacedError,
    StoreError,
    UnfitError,
    UnreachableError,
)

# Status and description of each code, also for the OpenAPI document.
STATUS = {
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "too_slow": 408,
    "not_calibrated": 409,
    "fingerprint_mismatch": 409,
    "empty_gallery": 409,
    "no_groups": 409,
    "read_only": 409,
    "conflict": 409,
    "not_finished": 409,
    "too_large": 413,
    "address_too_long": 414,
    "unsupported_media_type": 415,
    "not_an_image": 422,
    "invalid": 422,
    "too_many": 429,
    "headers_too_large": 431,
    "internal": 500,
    "unknown_method": 501,
    "not_ready": 503,
    "timeout": 504,
    "disk_full": 507,
}
# What to do, unless the error itself has a hint.
_HINTS = {
    "unauthorized": "Send a key as Authorization: Bearer KEY, or as X-API-Key: KEY.",
    "forbidden": "Use a key that may write.",
    "not_found": "GET /openapi.json lists all paths.",
    "method_not_allowed": "GET /openapi.json lists the methods of each path.",
    "too_slow": "Send it over a faster connection, or in parts.",
    "not_calibrated": "Calibrate the gallery: likewise calibrate.",
    "fingerprint_mismatch": "Embed with the gallery's own model, or send pictures.",
    "empty_gallery": "Add references first.",
    "no_groups": "Ask /v1/query for the nearest references, or give references labels.",
    "read_only": "Ask a server that may write to this gallery.",
    "conflict": "Choose other ids.",
    "not_finished": "Ask again later.",
    "too_large": "GET /v1/gallery names the limits.",
    "address_too_long": "Send what is long in the body.",
    "unsupported_media_type": "GET /openapi.json describes what each path takes.",
    "not_an_image": "Send a picture that other programs can open.",
    "invalid": "GET /openapi.json describes what each path takes.",
    "too_many": "Try again after the seconds in Retry-After.",
    "headers_too_large": "Send fewer or shorter headers.",
    "internal": "Report the id of the request, from the header X-Request-ID.",
    "unknown_method": "GET /openapi.json lists the methods of each path.",
    "not_ready": "Try again after the seconds in Retry-After.",
    "timeout": "Send fewer pictures, or try again later.",
    "disk_full": "Try again after the seconds in Retry-After.",
}
_CONVERT = "Save it again as PNG or JPEG."
BOX = "A box is x, y, w and h in pixels, from the top left of the picture as it is shown."
_PREPARE = "Send it in the form that the network takes, or have the gallery upgraded."
_RETRY = {"too_many": "1", "not_ready": "1", "disk_full": "30"}  # seconds


class ApiError(HTTPException):
    """An error response: status, code, message, hint.

    Args:
        code: A key of `STATUS`.
        message: One sentence: what was expected and what was received.
        hint: What to do; None for the general hint of this code.
        headers: Additional headers.
    """

    def __init__(
        self,
        code: str,
        message: str,
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        retry = {"Retry-After": _RETRY[code]} if code in _RETRY else {}
        super().__init__(STATUS[code], message, {**retry, **(headers or {})})
        self.code, self.message, self.hint = code, message, hint or _HINTS[code]

    def response(self) -> Response:
        """The HTTP response."""
        body = {"code": self.code, "message": self.message, "hint": self.hint}
        return Response(
            json.dumps(body), self.status_code, self.headers, media_type="application/json"
        )


def invalid(message: str, hint: str | None = None) -> ApiError:
    """The error for an invalid argument.

    Args:
        message: What is wrong, a sentence.
        hint: What to do, or None.
    """
    return ApiError("invalid", message, hint)


def too_large(
    what: str, limit: str, hint: str | None = None, headers: Mapping[str, str] | None = None
) -> ApiError:
    """The error for a request that exceeds a limit.

    Args:
        what: What is too large.
        limit: The limit, as text.
        hint: What to do, or None.
        headers: Additional headers.
    """
    return ApiError("too_large", f"{what}; this server takes at most {limit}.", hint, headers)


def as_api_error(error: Exception) -> ApiError:
    """Map any exception to an error response; an unexpected one reveals no details."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, TimeoutError):
        return ApiError(
            "timeout",
            "The request took too long.",
            "Send fewer pictures, or try again later.",
            {"Connection": "close"},  # the body may not have been read yet
        )
    if isinstance(error, TooManyPixelsError):
        return ApiError("too_large", f"The picture is too large: {error}.", "Send it smaller.")
    if isinstance(error, BoxError):
        return ApiError("invalid", f"The picture has no such part: {error}.", BOX)
    if isinstance(error, FormatError):
        return ApiError("unsupported_media_type", f"The picture cannot be read: {error}.", _CONVERT)
    if isinstance(error, DecodingError):
        return ApiError("not_an_image", f"The picture cannot be read: {error}.", _CONVERT)
    if isinstance(error, PreparationError):
        return ApiError("invalid", f"The picture cannot be embedded: {error}.", _PREPARE)
    if isinstance(error, EmbeddingError):
        return ApiError("invalid", f"The picture cannot be embedded: {error}.")
    if isinstance(error, ImageError):
        return ApiError("not_an_image", f"The picture cannot be read: {error}.")
    if isinstance(error, HTTPException):
        return _of_framework(error)
    if isinstance(error, FingerprintError):
        return ApiError("fingerprint_mismatch", "The vectors come from another model.")
    if isinstance(error, EmptyGalleryError):
        return ApiError(
            "empty_gallery",
            "The gallery holds no references to compare with.",
            "Add references first.",
        )
    if isinstance(error, NoGroupsError):
        return ApiError(
            "no_groups", "The gallery has no groups: none of its references has a label."
        )
    if isinstance(error, ReferenceNotFoundError):
        return ApiError(
            "not_found", "There is no reference with this id.", "GET /v1/references lists all."
        )
    if is_disk_full(error):
        return ApiError(
            "disk_full",
            "The disk of the server is full: nothing was changed.",
            "Try again once there is room.",
        )
    if isinstance(error, StoreError):
        return _of_store(error)
    return ApiError("internal", "The server failed; its log has the reason under the request's id.")


def is_disk_full(error: BaseException) -> bool:
    """Whether an error means that a disk is full, which is temporary."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return isinstance(error, FullDiskError)


def _of_store(error: StoreError) -> ApiError:
    """Map errors of the store; messages do not name the server's files."""
    if isinstance(error, ReadOnlyError):
        return ApiError("read_only", "The gallery cannot be changed: its files are read-only.")
    if isinstance(error, UnfitError):
        return ApiError(
            "invalid",
            "The gallery's database cannot store an id or a label: it holds a NUL, or an id is "
            "longer than some 2,700 bytes.",
            "Leave NUL out, and shorten long ids.",
        )
    if isinstance(error, ReplacedError):
        return ApiError(
            "not_ready",
            "The gallery was moved, removed or replaced while the server was running.",
            "Restart the server, or put the gallery back if it was moved.",
        )
    if isinstance(error, UnreachableError):
        return ApiError(
            "not_ready", "The gallery's database cannot be reached.", "Try again later."
        )
    if isinstance(error, PartMissingError):
        return ApiError(
            "not_ready",
            "A part of the references is missing, and nothing is answered without it.",
            "Try again later: it is being loaded.",
        )
    if isinstance(error, OlderStateError):
        return ApiError(
            "not_ready",
            "The gallery is older than what was acknowledged of it; the server's log says how.",
            "Ask another server.",
        )
    if isinstance(error, BusyError):
        return ApiError("not_ready", "Another process is changing the gallery.", "Try again later.")
    return ApiError("internal", "The gallery is damaged; the server's log says how.")


def _of_framework(error: HTTPException) -> ApiError:
    """Map the framework's errors of routing and of parsing bodies."""
    if error.status_code == HTTPStatus.NOT_FOUND:
        return ApiError(
            "not_found", "There is nothing at this path.", "GET /openapi.json lists all."
        )
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "")
        return ApiError(
            "method_not_allowed",
            f"This path takes other methods only: {allowed}."
            if allowed
            else "This path does not take this method.",
            headers=error.headers,
        )
    return invalid(f"The request cannot be read: {error.detail}")
