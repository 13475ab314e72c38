"""Validate query strings against a model; unknown options are refused."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import ValidationError

from likewise.server.errors import invalid
from likewise.server.requests.json_bodies import first_error
from likewise.server.schemas.fields import Strict

M = TypeVar("M", bound=Strict)


def parsed_options(model: type[M], query_string: bytes) -> M:
    """Parse a query string into a model.

    Args:
        model: What the options must fit.
        query_string: The raw, still encoded query string.

    Raises:
        ApiError: If an option is unknown, repeated, empty or invalid.
    """
    values = named_values(query_string)
    try:
        options = model.model_validate(values)
    except ValidationError as error:
        raise first_error(error) from error
    empty = next((name for name, value in values.items() if not value), None)
    if empty is not None:
        raise invalid(f"`{empty}` must not be empty.", "Leave it out to have its default.")
    return options


def given(options: Strict, name: str) -> Any:
    """The value of an option that a request has; None where it has its default.

    Args:
        options: The options.
        name: Name of one of them.
    """
    return getattr(options, name) if name in options.model_fields_set else None


def named_values(query_string: bytes) -> dict[str, str]:
    """Parse a query string strictly, unlike the framework.

    Raises:
        ApiError: If it is malformed, or repeats an option.

    Example:
        >>> named_values(b"label=7&id=")
        {'label': '7', 'id': ''}
        >>> named_values(b"label=7&label=8")
        Traceback (most recent call last):
        likewise.server.errors.ApiError: 422: An option must not be given twice.
    """
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(query_string),
            errors="strict",
        )
    except ValueError as error:
        raise invalid(
            "The query string must be name=value pairs of percent-encoded UTF-8."
        ) from error
    values = dict(pairs)
    if len(values) != len(pairs):
        raise invalid("An option must not be given twice.")
    return values
