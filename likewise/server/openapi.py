"""OpenAPI details beyond the routes' types: bodies, errors, keys.

The busiest routes parse requests by hand, so their parameters are described here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from likewise.server.errors import STATUS
from likewise.server.schemas.answers import Error
from likewise.server.schemas.questions import Images, Pair, Vectors
from likewise.server.schemas.references import Ids, NewReference, NewReferences

Json = dict[str, Any]

_BODIES: list[type[BaseModel]] = [Images, Vectors, NewReference, NewReferences, Ids, Pair]
_REFERENCE = "#/components/schemas/{model}"
_FILE: Json = {"type": "string", "format": "binary", "description": "A picture file."}
# Errors of any request, and of any request that changes the gallery.
_ALWAYS = ("unauthorized", "forbidden", "invalid", "too_many", "internal", "not_ready", "timeout")
_CHANGING = ("read_only", "too_large", "unsupported_media_type", "disk_full")
ASKING = (  # by routes that take pictures
    *("empty_gallery", "no_groups", "not_calibrated", "fingerprint_mismatch"),
    *("too_large", "not_an_image", "unsupported_media_type"),
)


def ref(model: type[BaseModel]) -> Json:
    """Point to the schema of a model."""
    return {"$ref": _REFERENCE.format(model=model.__name__)}


def form(required: Iterable[str], **properties: Json) -> Json:
    """The schema of a form.

    Args:
        required: Names of the required fields.
        properties: Schema of each field by name.
    """
    fields = {"type": "object", "required": list(required), "properties": properties}
    return {"schema": {**fields, "additionalProperties": False}}


def body(content: Json) -> Json:
    """Request body by content type."""
    return {"requestBody": {"required": True, "content": content}}


def files(description: str) -> Json:
    """Several files in one field of a form."""
    return {"type": "array", "items": _FILE, "minItems": 1, "description": description}


def text(description: str, example: str) -> Json:
    """A text field of a form.

    Args:
        description: What the field means.
        example: An example of its value.
    """
    return {"type": "string", "description": description, "examples": [example]}


_BOXES = text(
    "The parts of the pictures to use, as JSON: x, y, w and h in pixels, or null for the whole "
    "picture, for each file in order.",
    "[[120, 64, 80, 80]]",
)
_PICTURES = {
    "image/*": {"schema": _FILE},
    "multipart/form-data": form(
        ["images"], images=files("Picture files; their names are the ids."), boxes=_BOXES
    ),
    "application/json": {"schema": {"anyOf": [ref(Images), ref(Vectors)]}},
    "application/x-npy": {
        "schema": {
            **_FILE,
            "description": "NumPy's .npy format: uint8 pictures (n, h, w) or (n, h, w, 3), or "
            "float32 vectors (n, dim). Ids are 0, 1, ...",
        }
    },
    "application/octet-stream": {
        "schema": {
            **_FILE,
            "description": "Vectors as raw little-endian float32, dim values each. Ids are 0, 1, "
            "...",
        }
    },
}
_FINGERPRINT: Json = {
    "name": "X-Likewise-Fingerprint",
    "in": "header",
    "required": False,
    "description": "Fingerprint of the model that made the vectors; the request is refused unless "
    "it is the gallery's.",
    "schema": {"type": "string", "examples": ["53b164021f39"]},
}
PICTURES: Json = {**body(_PICTURES), "parameters": [_FINGERPRINT]}
PAIR = body(
    {
        "multipart/form-data": form(["first", "second"], first=_FILE, second=_FILE, boxes=_BOXES),
        "application/json": {"schema": ref(Pair)},
    }
)
_LABEL = text("Group of the picture; left out with ?unlabelled=true.", "7")
PUT = body(
    {
        "image/*": {"schema": _FILE},
        "multipart/form-data": form(
            ["image"],
            image=_FILE,
            label=_LABEL,
            metadata=text("Further data to store with the picture, as JSON.", '{"writer": 17}'),
            boxes=_BOXES,
        ),
        "application/json": {"schema": ref(NewReference)},
    }
)
UPSERT = body(
    {
        "multipart/form-data": form(
            ["images"],
            images=files("Picture files; their names are the ids."),
            label=text("Group of all the pictures; left out with ?unlabelled=true.", "7"),
            boxes=_BOXES,
        ),
        "application/json": {"schema": ref(NewReferences)},
    }
)
DELETE = body({"application/json": {"schema": ref(Ids)}})


def parameters(model: type[BaseModel]) -> list[Json]:
    """The fields of a model as query parameters."""
    schema = model.model_json_schema(ref_template=_REFERENCE)
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "description": field.get("description", ""),
            "schema": {key: value for key, value in field.items() if key != "description"},
        }
        for name, field in schema["properties"].items()
    ]


def asking(options: type[BaseModel], answer: type[BaseModel]) -> Json:
    """Documentation of a route that parses its request by hand.

    Args:
        options: Model of the query string.
        answer: Model of the response.
    """
    return {
        "responses": {200: {"model": answer}, **errors(*ASKING)},
        "openapi_extra": {**PICTURES, "parameters": [*parameters(options), _FINGERPRINT]},
    }


def errors(*codes: str) -> dict[int | str, Json]:
    """Error responses with these codes, for a route's `responses`."""
    by_status: dict[int | str, list[str]] = {}
    for code in codes:
        by_status.setdefault(STATUS[code], []).append(code)
    return {
        status: {"model": Error, "description": ", ".join(f"`{code}`" for code in grouped)}
        for status, grouped in by_status.items()
    }


def completed(schema: Json) -> Json:
    """Add the common errors, bodies and keys to a schema."""
    components = schema.setdefault("components", {})
    models: list[type[BaseModel]] = [*_BODIES, Error]
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template=_REFERENCE
    )
    schemas = components.setdefault("schemas", {})
    schemas |= definitions["$defs"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    schema["security"] = [{"bearer": []}, {"key": []}, {}]
    for item in schema["paths"].values():
        for method, operation in item.items():
            _add_errors(method, operation)
    return schema


def _add_errors(method: str, operation: Json) -> None:
    responses = operation["responses"]
    responses.pop("422", None) if "HTTPValidationError" in str(responses.get("422")) else None
    for code in (*_ALWAYS, *(_CHANGING if method != "get" else ())):
        status = str(STATUS[code])
        response = responses.setdefault(
            status, {"description": "", "content": {"application/json": {"schema": ref(Error)}}}
        )
        if f"`{code}`" not in response["description"]:
            codes = filter(None, [response["description"], f"`{code}`"])
            response["description"] = ", ".join(codes)
