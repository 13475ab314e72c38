"""Open the inputs of commands: pictures, a gallery, a model."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from likewise.commands.console import stdin_lines

if TYPE_CHECKING:
    from embedder.data.records import Records
    from embedder.model import Embedder
    from likewise.matcher import Matcher


def read(inputs: Iterable[str], split: str | None = None) -> Records:
    """Stream the pictures of all inputs; a misspelt one fails at once.

    Args:
        inputs: The user's inputs.
        split: `train` or `test`, for inputs that hold both.

    Returns:
        Their pictures, one input after the other.
    """
    from likewise.inputs import read_inputs

    return read_inputs(inputs, stdin_lines(), split=split)


def read_some(inputs: Iterable[str], split: str | None) -> Records:
    """Stream the pictures of inputs that must hold at least one.

    The first is read now, so an empty input fails before anything is created.

    Args:
        inputs: The user's inputs.
        split: `train` or `test`, for inputs that hold both.

    Returns:
        Their pictures, one input after the other.
    """
    from embedder.data.records import Records

    records = read(inputs, split)
    first = list(islice(records, 1))
    if not first:
        raise click.ClickException("The input has no pictures: nothing was done.")
    return Records(chain(first, records), records.count)


@contextmanager
def opened_for_asking(
    gallery: Path, inputs: Iterable[str], split: str | None
) -> Iterator[tuple[Matcher, Records]]:
    """Open a gallery to ask about pictures.

    Its vectors are read by a thread while the rest is imported: a tenth of a single query.

    Args:
        gallery: The gallery's directory.
        inputs: The pictures that the user named.
        split: `train` or `test`, for inputs that hold both.

    Yields:
        The matcher, and the pictures.
    """
    with ExitStack() as stack:
        with uncollected():
            from index.gallery import Gallery

            opened = stack.enter_context(Gallery.open(gallery))
            opened.warm(ahead=True)
            from likewise.matcher import Matcher

        yield Matcher.of(opened), read(inputs, split)


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the garbage collector during imports: saves a twentieth of a query."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def opened_model(
    gallery: Path | None, model: Path | None, at: str | None = None
) -> tuple[Embedder, float | None]:
    """Load the model of a gallery, or a model.

    Args:
        gallery: The gallery's directory, or None.
        model: The model's directory, or None for the digits model.
        at: Operating point of the gallery; None for its default for pairs.

    Returns:
        The embedder, and the threshold for pairs, a distance, where there is one.
    """
    if gallery is not None and model is not None:
        raise click.UsageError("Give --gallery or --model, not both.")
    if gallery is None and at is not None:
        raise click.UsageError("--at needs --gallery: an operating point belongs to a gallery.")
    from embedder.model import Embedder
    from likewise.comparison import pair_threshold
    from likewise.matcher import Matcher

    if gallery is None:
        embedder = Embedder.load(model)
        points = embedder.operating_points
        return embedder, float(points["eer"]["threshold"]) if points else None
    with Matcher.open(gallery) as matcher:
        return matcher.embedder, pair_threshold(matcher.gallery, at)
