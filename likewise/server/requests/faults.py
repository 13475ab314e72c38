"""What is wrong with an option or a field, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# By pydantic's type of error; the names in braces are those of its context.
_SENTENCES = {
    "missing": "is missing",
    "extra_forbidden": "is neither an option nor a field of this request",
    "json_invalid": "must be JSON, but cannot be parsed: {error}",
    "greater_than_equal": "must be {ge:g} or more",
    "less_than_equal": "must be {le:g} or less",
    "string_too_short": "must not be empty",  # no field has another minimum
    "string_too_long": "must have at most {max_length} characters",
    "literal_error": "must be {expected}",
}
_KINDS = {
    "model": "an object",
    "dict": "an object",
    "list": "a list",
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
}


def fault(where: str, details: Mapping[str, Any]) -> str:
    """Say what is wrong with an option or a field.

    Args:
        where: Name of the option or field, such as `images.0.id`.
        details: One of pydantic's errors, with its context.

    Example:
        >>> fault("k", {"type": "int_parsing"})
        '`k` must be a whole number.'
        >>> fault("k", {"type": "less_than_equal", "ctx": {"le": 100}})
        '`k` must be 100 or less.'
    """
    kind = _KINDS.get(details["type"].partition("_")[0])
    otherwise = f"must be {kind}" if kind else f"is invalid: {details.get('msg')}"
    sentence = _SENTENCES.get(details["type"])
    if sentence is None:
        return f"`{where}` {otherwise}."
    return f"`{where}` {sentence.format(**details.get('ctx', {}))}."
