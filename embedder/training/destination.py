"""Check where a model may be written: to a new path or over an earlier model, nothing else.

Asked before a training begins, so that no hour of it ends in a refusal.
"""

from __future__ import annotations

from pathlib import Path

from embedder.data.bundled import is_bundled
from embedder.errors import ModelError


def check_destination(out: Path, *data: str) -> None:
    """Refuse a destination where anything but a model would be lost.

    Args:
        out: Directory of the model to be.
        data: What the training reads, as `datasets.records` takes it.

    Raises:
        ModelError: If `out` has no name of its own, is there and is neither an earlier model nor
            an empty directory, or holds some of the data.

    Example:
        >>> check_destination(Path("pyproject.toml"))
        Traceback (most recent call last):
        ...
        embedder.errors.ModelError: Expected a new directory or an earlier model at ...
    """
    if out.name in ("", ".."):
        raise ModelError(
            f"Expected a directory with a name of its own for the model, not '{out}': "
            "choose one with --out, such as models/new."
        )
    if out.is_symlink() or (out.exists() and not _is_replaceable(out)):
        raise ModelError(
            f"Expected a new directory or an earlier model at '{out}', but something else is "
            "there: choose another path with --out."
        )
    for source in data:
        if not is_bundled(source) and Path(source).resolve().is_relative_to(out.resolve()):
            raise ModelError(
                f"The model at '{out}' would be replaced, but it contains '{source}', which "
                "the training reads: choose another path with --out."
            )


def _is_replaceable(out: Path) -> bool:
    return out.is_dir() and ((out / "model.json").is_file() or not any(out.iterdir()))
