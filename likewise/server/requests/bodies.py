"""Parse request bodies (image, multipart, JSON, .npy) into pictures or vectors.

Pictures are not decoded here. Bodies that are too large are refused as early as possible: by the
declared length, while reading, or by an array's header.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from starlette.requests import ClientDisconnect, Request

from embedder.data.boxes import Box
from embedder.errors import BoxError
from likewise.matcher import Matcher
from likewise.server.answering.pictures import Cropped, Pictures
from likewise.server.errors import BOX, ApiError, invalid, too_large
from likewise.server.requests.arrays import as_vectors, from_npy, from_raw, numbered
from likewise.server.requests.forms import MULTIPART, File, Form, read_form
from likewise.server.requests.json_bodies import (
    JsonLimits,
    check_counts,
    decoded,
    limits_of,
    off_loop,
    parsed,
)
from likewise.server.schemas.questions import Images, Vectors
from likewise.server.state import ServerState

IMAGE = "image/"
JSON, NPY, RAW = "application/json", "application/x-npy", "application/octet-stream"
FINGERPRINT = b"x-likewise-fingerprint"
UNNAMED = "image"  # the id of a picture that has none
BOXES = "boxes"  # a field of forms
_ELSEWHERE = {  # where a body of another kind says what these options say
    "id": "In JSON give each picture its own; in a form the names of the files are the ids.",
    "box": f"In JSON give each picture its own, in a form pass the field `{BOXES}`.",
}
_BOXES: TypeAdapter[list[list[float] | None]] = TypeAdapter(list[list[float] | None])
_FORMS: dict[str, type[Images | Vectors]] = {"images": Images, "vectors": Vectors}


async def read_pictures(
    request: Request, state: ServerState, id: str | None = None, box: str | None = None
) -> Pictures:
    """Read the pictures or vectors of a request.

    Args:
        request: Its body is not read yet.
        state: Limits, and the gallery's model.
        id: Id of the picture if it is the whole body; None for `image`.
        box: The part of such a picture that is meant, `x,y,w,h`; None for all of it.

    Raises:
        ApiError: If the body has an unknown type, does not fit the model, or is too large.
    """
    headers = dict(request.scope["headers"])
    kind = media_type(headers)
    matcher = state.matcher
    check_fingerprint(headers, matcher)
    if not kind.startswith(IMAGE):
        refuse_alone(id=id, box=box)
    if kind.startswith(IMAGE):
        pictures = Pictures([id or UNNAMED], [part_of(await read_body(request), split_box(box))])
    elif kind == MULTIPART:
        pictures = await _uploaded(request, state)
    elif kind == JSON:
        pictures = await off_loop(await read_body(request), _from_json, matcher, limits_of(state))
    elif kind == NPY:
        pictures = await off_loop(await read_body(request), from_npy, state)
    elif kind == RAW:
        pictures = await off_loop(await read_body(request), from_raw, matcher)
    else:
        raise unsupported(kind, (f"{IMAGE}*", MULTIPART, JSON, NPY, RAW))
    check_count(len(pictures), state)
    return pictures


def media_type(headers: Mapping[bytes, bytes]) -> str:
    """Content type without parameters; empty if missing."""
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise ApiError(
            "unsupported_media_type",
            "The body must not be compressed.",
            "Send it uncompressed.",
        )
    named = headers.get(b"content-type", b"").partition(b";")[0]
    return named.strip().lower().decode("latin-1")


def unsupported(kind: str, known: Sequence[str]) -> ApiError:
    """The error for an unsupported content type.

    Args:
        kind: Media type of the body.
        known: Media types that the route takes.
    """
    return ApiError(
        "unsupported_media_type",
        f"Expected a body of type {', '.join(known)}. Received: {kind or 'no type'}.",
        "Name the type in the header Content-Type.",
    )


def check_fingerprint(headers: Mapping[bytes, bytes], matcher: Matcher) -> None:
    """Refuse vectors made by another model.

    Args:
        headers: Headers of the request.
        matcher: Its embedder made the gallery's vectors.
    """
    sent = headers.get(FINGERPRINT)
    ours = matcher.gallery.fingerprint
    if sent is not None and sent != ours.encode():
        raise ApiError(
            "fingerprint_mismatch",
            f"The gallery's vectors are made by model {ours}. Received: vectors of another model.",
            "Embed with the gallery's own model, or send pictures.",
        )


def check_count(count: int, state: ServerState) -> None:
    """Refuse zero or too many pictures.

    Args:
        count: Number of pictures or vectors, >= 0.
        state: Holds the limits.
    """
    most = state.settings.max_images
    if not count:
        raise invalid("The body holds no picture and no vector.", "Send at least one.")
    if count > most:
        raise too_large(f"The request holds {count} pictures", str(most), "Send several requests.")


async def read_body(request: Request) -> bytes:
    """Read the whole body; `gate` stops one that is too large."""
    parts = []
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def part_of(content: bytes, box: Sequence[object] | None) -> bytes | Cropped:
    """A picture file, or the part of it that a box names.

    Args:
        content: The file.
        box: x, y, w and h; None for all of it.

    Raises:
        ApiError: If they are no box.
    """
    if box is None:
        return content
    try:
        return Cropped(content, Box.of(box))
    except BoxError as error:
        raise invalid(f"`box`: {error}.", BOX) from error


def refuse_alone(**options: str | None) -> None:
    """Refuse options of a picture that is the whole body, where the body is another.

    Args:
        options: `id` and `box`, as they were given; None for one that was not.

    Raises:
        ApiError: If there is one.
    """
    for name, value in options.items():
        if value is not None:
            raise invalid(f"`{name}` is for a picture that is the whole body.", _ELSEWHERE[name])


def split_box(box: str | None) -> list[str] | None:
    """The parts of `x,y,w,h`; None for no box."""
    return None if box is None else box.split(",")


def parts_of(
    form: Form, files: Sequence[File], state: ServerState
) -> tuple[list[str], list[bytes | Cropped]]:
    """The files of a form with their names, or the parts of them that its field `boxes` names.

    A part is named as in a list: after its file and its box, so that two of a file differ.

    Args:
        form: Its field `boxes`, if any, holds JSON: a box, or null, for each file in order.
        files: The n files.
        state: Holds the limits.

    Returns:
        Names and contents, n each.

    Raises:
        ApiError: If there are not n boxes, or one is no box.
    """
    if not (text := form.text(BOXES, b"")):
        return [file.name for file in files], [file.content for file in files]
    boxes = parsed(_BOXES, text.encode(), limits_of(state), BOXES)
    if len(boxes) != len(files):
        raise invalid(
            f"`{BOXES}` must hold a box, or null, for each of {len(files)} files. "
            f"Received: {len(boxes)}."
        )
    parts = [part_of(file.content, box) for file, box in zip(files, boxes, strict=True)]
    names = [
        f"{file.name}#{part.box}" if isinstance(part, Cropped) else file.name
        for file, part in zip(files, parts, strict=True)
    ]
    return names, parts


async def _uploaded(request: Request, state: ServerState) -> Pictures:
    form = await read_form(request, {"images"}, {BOXES}, most=state.settings.max_images)
    files = form.files("images")
    names, parts = parts_of(form, files, state)
    return Pictures([name or UNNAMED for name in names], parts)


def _from_json(body: bytes, matcher: Matcher, limits: JsonLimits) -> Pictures:
    check_counts(body, limits)
    content: Images | Vectors = parsed(_form_of(body), body)
    if isinstance(content, Images):
        ids = [image.id for image in content.images]
        return Pictures(ids, [part_of(decoded(image.data), image.box) for image in content.images])
    ids = numbered(len(content.vectors)) if content.ids is None else content.ids
    if len(ids) != len(content.vectors):
        raise invalid(
            f"`ids` must name each of {len(content.vectors)} vectors. Received: {len(ids)}."
        )
    return Pictures(ids, vectors=as_vectors(content.vectors, matcher))


def _form_of(body: bytes) -> type[Images | Vectors]:
    """Choose the model of a JSON body by its field, so that errors refer to that model."""
    named = [form for field, form in _FORMS.items() if b'"%b"' % field.encode() in body]
    if len(named) != 1:  # neither or both words: parse it
        fields = parsed(dict[str, Any], body)
        named = [form for field, form in _FORMS.items() if field in fields]
    if len(named) != 1:
        received = "both" if named else "neither"
        raise invalid(f"The body must hold either `images` or `vectors`. Received: {received}.")
    return named[0]
