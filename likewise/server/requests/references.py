"""Parse requests that enrol references (image, multipart, JSON) into entries.

Pictures are decoded later, by `decode`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from starlette.requests import Request

from embedder.decoders.task import Result
from embedder.errors import ImageError
from likewise.arrays import Floats
from likewise.conflicts import Entry
from likewise.names import composed, normal
from likewise.server.answering.decoders import Decoders
from likewise.server.answering.pictures import Cropped
from likewise.server.errors import invalid
from likewise.server.requests.arrays import as_vectors
from likewise.server.requests.bodies import (
    BOXES,
    IMAGE,
    JSON,
    check_count,
    media_type,
    part_of,
    parts_of,
    read_body,
    refuse_alone,
    split_box,
    unsupported,
)
from likewise.server.requests.forms import MULTIPART, Form, read_form
from likewise.server.requests.json_bodies import decoded, limits_of, off_loop, parsed
from likewise.server.schemas.fields import Id, Label
from likewise.server.schemas.references import NewReference, NewReferences
from likewise.server.state import ServerState

_NAME: TypeAdapter[str] = TypeAdapter(Id)
_LABEL: TypeAdapter[str] = TypeAdapter(Label)
_METADATA: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


@dataclass(frozen=True, slots=True, eq=False)
class Upload:
    """A reference in a request: a picture file, or a vector.

    Attributes:
        id: Its name, in its one spelling.
        label: Its group, likewise; None for none.
        metadata: JSON object.
        file: The picture file, or the part of one; None for a vector.
        vector: `(dim,)`, float32; None for a picture.
    """

    id: str
    label: str | None
    metadata: Mapping[str, Any]
    file: bytes | Cropped | None = None
    vector: Floats | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", composed(self.id))
        if self.label is not None:
            object.__setattr__(self, "label", normal(self.label))


async def read_uploads(
    request: Request, state: ServerState, *, unlabelled: bool = False
) -> list[Upload]:
    """Read the references of a request that enrols several.

    Args:
        request: Its body is not read yet.
        state: Limits, and the gallery.
        unlabelled: Whether the pictures of a form have no label.

    Raises:
        ApiError: If the body is invalid, empty or too large.
    """
    kind = media_type(dict(request.scope["headers"]))
    if kind == JSON:
        _refuse_unlabelled(unlabelled)
        uploads = await off_loop(await read_body(request), _several_from_json, state)
    elif kind == MULTIPART:
        most = state.settings.max_images
        form = await read_form(request, {"images"}, {"label", BOXES}, most=most)
        label, files = _label(form, unlabelled), form.files("images")
        names, parts = parts_of(form, files, state)
        uploads = [
            Upload(str(parsed(_NAME, name, name="filename")), label, {}, part)
            for name, part in zip(names, parts, strict=True)
        ]
    else:
        raise unsupported(kind, (MULTIPART, JSON))
    check_count(len(uploads), state)
    return uploads


async def read_upload(
    request: Request,
    state: ServerState,
    *,
    id: str,
    label: str | None,
    unlabelled: bool = False,
    box: str | None = None,
) -> Upload:
    """Read the reference of a request that enrols one.

    Args:
        request: Its body is not read yet.
        state: Limits, and the gallery.
        id: Id of the reference.
        label: Label of the picture if it is the whole body.
        unlabelled: Whether such a picture, or that of a form, has none.
        box: The part of such a picture that is meant, `x,y,w,h`; None for all of it.

    Raises:
        ApiError: If the body is invalid or too large.
    """
    kind = media_type(dict(request.scope["headers"]))
    if kind.startswith(IMAGE):
        if (label is None) != unlabelled:
            raise invalid(
                "A reference needs a label.", "Give it as ?label=..., or say ?unlabelled=true."
            )
        file = part_of(await read_body(request), split_box(box))
        return Upload(id, label, {}, file)
    refuse_alone(box=box)
    if label is not None:
        raise invalid(
            "`label` is an option for a picture that is the whole body.",
            "In JSON and in a form, give it in the field `label`.",
        )
    if kind == JSON:
        _refuse_unlabelled(unlabelled)
        return await off_loop(await read_body(request), _one_from_json, id, state)
    if kind == MULTIPART:
        return await _from_form(request, id, state, unlabelled)
    raise unsupported(kind, (f"{IMAGE}*", MULTIPART, JSON))


async def decode(uploads: Sequence[Upload], decoders: Decoders) -> list[Entry | ImageError]:
    """Decode the picture files of uploads.

    Args:
        uploads: The n uploads.
        decoders: Prepare pictures for the network.

    Returns:
        For each an entry, or the error of an unreadable picture.
    """
    files = [upload.file for upload in uploads if upload.file is not None]
    results = iter(await decoders.prepare(files, hashed=True))
    return [_entry(upload, None if upload.file is None else next(results)) for upload in uploads]


def _entry(upload: Upload, result: Result | ImageError | None) -> Entry | ImageError:
    named = (upload.id, upload.label, upload.metadata)
    if result is None:
        return Entry(*named, vector=upload.vector)
    if isinstance(result, ImageError):
        return result
    return Entry(*named, result.pixels, result.content)


def _several_from_json(body: bytes, state: ServerState) -> list[Upload]:
    content: NewReferences = parsed(NewReferences, body, limits_of(state))
    check_count(len(content.references), state)
    return [_from_json(item.id, item, state) for item in content.references]


def _one_from_json(body: bytes, id: str, state: ServerState) -> Upload:
    return _from_json(id, parsed(NewReference, body, limits_of(state)), state)


def _from_json(id: str, body: NewReference, state: ServerState) -> Upload:
    if (body.data is None) == (body.vector is None):
        raise invalid("A reference must have either a picture, `data`, or a vector, `vector`.")
    if body.data is not None:
        return Upload(id, body.label, body.metadata, part_of(decoded(body.data), body.box))
    if body.box is not None:
        raise invalid("A box belongs to a picture, `data`, not to a vector.")
    [vector] = as_vectors([body.vector or []], state.matcher)
    return Upload(id, body.label, body.metadata, vector=np.array(vector))


async def _from_form(request: Request, id: str, state: ServerState, unlabelled: bool) -> Upload:
    most = state.settings.max_images
    form = await read_form(request, {"image"}, {"label", "metadata", BOXES}, most=most)
    files = form.files("image")
    if len(files) != 1:
        raise invalid("The form must hold one picture, as a file in the field `image`.")
    text = (form.text("metadata", b"") or "{}").encode()
    metadata = parsed(_METADATA, text, limits_of(state), "metadata")
    _, [part] = parts_of(form, files, state)
    return Upload(id, _label(form, unlabelled), metadata, part)


def _refuse_unlabelled(unlabelled: bool) -> None:
    if unlabelled:
        raise invalid(
            "`unlabelled` is an option for pictures in a form, or that are the whole body.",
            'In JSON, say "label": null.',
        )


def _label(form: Form, unlabelled: bool) -> str | None:
    if not unlabelled:
        return str(parsed(_LABEL, form.text("label"), name="label"))
    if form.text("label", b""):
        raise invalid("Pass a label or ?unlabelled=true, not both.")
    return None
