"""Options in a query string, checked against a model; an unknown one is refused."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import parse_qsl

from pydantic import ValidationError

from service.http.bodies import first_error
from service.http.errors import invalid
from service.http.schemas.fields import Strict

M = TypeVar("M", bound=Strict)


def parsed_options(model: type[M], query_string: bytes) -> M:
    """Read a query string as a model.

    Raises:
        ApiError: If an option is unknown, given twice, or does not fit.
    """
    try:
        given = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(query_string),
            errors="strict",
        )
    except ValueError as error:
        raise invalid(
            "The query string must be name=value pairs of percent-encoded UTF-8."
        ) from error
    options = {name: value for name, value in given if value}  # an empty value stands for none
    if len(dict(given)) != len(given):
        raise invalid("An option must not be given twice.")
    try:
        return model.model_validate(options)
    except ValidationError as error:
        raise first_error(error) from error
