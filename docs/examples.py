"""Griffe extension: show `Example:` as code, which Griffe does for `Examples:` alone."""

from __future__ import annotations

from typing import Any

from griffe import Extension, Object


class CodeOfExamples(Extension):
    """Read a section `Example:` as one of `Examples:`."""

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        """Rename the section in the docstring of an object that was read."""
        if obj.docstring is not None:
            obj.docstring.value = obj.docstring.value.replace("\nExample:\n", "\nExamples:\n")
