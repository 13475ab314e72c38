"""Open the inputs of commands: pictures, a gallery, a model."""

from __future__ import annotations

import gc
import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from likewise.commands.console import stdin_lines
from likewise.commands.options import Reading

if TYPE_CHECKING:
    from embedder.data.records import Records
    from embedder.model import Embedder
    from index.address import Place
    from likewise.matcher import Matcher


def read(inputs: Iterable[str], reading: Reading) -> Records:
    """Stream the pictures of all inputs; a misspelt one fails at once.

    Args:
        inputs: The user's inputs.
        reading: Which part of them, and what their labels are.

    Returns:
        Their pictures, one input after the other.
    """
    from embedder.data.label_rule import LabelRule
    from likewise.inputs import read_inputs

    listed = list(stdin_lines()) if "-" in inputs else []
    rule = LabelRule(reading.level, reading.pattern, wanted=reading.labelled)
    records = read_inputs(inputs, listed, split=reading.split, rule=rule, named=True)
    if reading.labelled:
        return records
    from likewise.labelling import relabelled

    return relabelled(records, reading.label, each=reading.each)


def read_both(
    data: tuple[str, ...], unknown: tuple[str, ...], reading: Reading
) -> list[Records | None]:
    """Stream the pictures of DATA and those of --unknown, each None where it is not given.

    Args:
        data: Values of DATA.
        unknown: Values of --unknown.
        reading: Which part of them, and what their labels are.
    """
    if "-" in data and "-" in unknown:
        raise click.UsageError(
            "DATA and --unknown are both -, but stdin can be read only once: write one of the two "
            'lists into a CSV with a column "path", and name that.'
        )
    return [read(inputs, reading) if inputs else None for inputs in (data, unknown)]


def read_unlabelled(inputs: Iterable[str], split: str | None = None) -> Records:
    """Stream the pictures of all inputs without looking for labels.

    Args:
        inputs: The user's inputs.
        split: Part of an input that holds several.
    """
    from embedder.data.label_rule import NO_LABELS
    from likewise.inputs import read_inputs

    return read_inputs(inputs, stdin_lines(), split=split, rule=NO_LABELS)


def read_some(inputs: Iterable[str], reading: Reading) -> Records:
    """Stream the pictures of inputs that must hold at least one.

    The first is read now, so an empty input fails before anything is created.

    Args:
        inputs: The user's inputs.
        reading: Which part of them, and what their labels are.

    Returns:
        Their pictures, one input after the other.
    """
    records = read(inputs, reading)
    again = records.again()
    if again is not None and next(again, None) is None:
        raise click.ClickException("The input has no pictures: nothing was done.")
    return records


def no_option(name: str) -> str:
    """An input as it stands in a command, where a leading dash would make it an option.

    Args:
        name: What the user named, perhaps after --.

    Example:
        >>> no_option("-scans"), no_option("scans"), no_option("-")
        ('./-scans', 'scans', '-')
    """
    return f"./{name}" if name.startswith("-") and name != "-" else name


@contextmanager
def advising(
    command: str, gallery: Place, inputs: Sequence[str], split: str | None
) -> Iterator[None]:
    """Lead from pictures without labels to the options for them.

    From folders of one label each, as `people/*` names them, lead to the folder above.

    Args:
        command: `build` or `add`.
        gallery: The gallery's directory.
        inputs: The user's inputs.
        split: Part of an input that holds several.
    """
    from embedder.errors import UnlabelledError

    try:
        yield
    except UnlabelledError as error:
        start = ["likewise", command, str(gallery)]
        own = shlex.join([*start, *map(no_option, inputs), *Reading(split).words])
        above = {os.path.dirname(os.path.normpath(name)) or "." for name in inputs}
        if len(inputs) < 2 or len(above) > 1 or not all(map(os.path.isdir, inputs)):
            raise click.ClickException(
                f"{error} Or say what these pictures are: {own} --unlabelled, to search them and "
                "find duplicates; --label-each, each a group of its own; or --label NAME, all one "
                "group."
            ) from error
        names = ", ".join(os.path.basename(os.path.normpath(name)) for name in inputs[:3])
        more = f" and {len(inputs) - 3} more" if len(inputs) > 3 else ""
        words = shlex.join([*start, *map(no_option, above)])
        raise click.ClickException(
            f"{error} The name of what you name yourself, {names}{more}, is not read: name the "
            f"folder above, {words}"
        ) from error


@contextmanager
def opened_for_asking(
    gallery: Place, inputs: Iterable[str], split: str | None, *, here: bool = True
) -> Iterator[tuple[Matcher, Records]]:
    """Open a gallery to ask about pictures.

    Its vectors are read by a thread while the rest is imported: a tenth of a single query.

    Args:
        gallery: The gallery's directory.
        inputs: The pictures that the user named.
        split: Part of an input that holds several.
        here: Whether this process searches its vectors; otherwise they are not read.

    Yields:
        The matcher, and the pictures.
    """
    with ExitStack() as stack:
        with uncollected():
            from index.gallery import Gallery

            opened = stack.enter_context(Gallery.open(gallery))
            if here:
                opened.warm(ahead=True)
            from likewise.matcher import Matcher

        yield Matcher.of(opened), read_unlabelled(inputs, split)


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


def opened_embedder(gallery: Place | None, model: Path | None) -> Embedder:
    """Load the model of a gallery, or a model.

    Args:
        gallery: The gallery, or None.
        model: The model's directory or name, or None for the digits model.
    """
    from embedder.model import Embedder
    from likewise.matcher import Matcher

    _refuse_both(gallery, model)
    if gallery is None:
        return Embedder.load(model)
    with Matcher.open(gallery) as matcher:
        return matcher.embedder


def opened_model(
    gallery: Place | None, model: Path | None, at: str | None = None
) -> tuple[Embedder, float | None]:
    """Load the model of a gallery, or a model, with a threshold for pairs.

    Args:
        gallery: The gallery's directory, or None.
        model: The model's directory, or None for the digits model.
        at: Operating point of the gallery; None for its default for pairs.

    Returns:
        The embedder, and the threshold for pairs, a distance, where there is one.
    """
    _refuse_both(gallery, model)
    if gallery is None and at is not None:
        raise click.UsageError("--at needs --gallery: an operating point belongs to a gallery.")
    from likewise.comparison import pair_threshold
    from likewise.matcher import Matcher

    if gallery is None:
        embedder = opened_embedder(None, model)
        points = embedder.operating_points
        return embedder, float(points["eer"]["threshold"]) if points else None
    with Matcher.open(gallery) as matcher:
        return matcher.embedder, pair_threshold(matcher.gallery, at)


def _refuse_both(gallery: Place | None, model: Path | None) -> None:
    if gallery is not None and model is not None:
        raise click.UsageError("Use --gallery or --model, not both.")


def refuse_beside_cross_validation(
    cross_validate: bool, data: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    """Refuse other pictures beside --cross-validate.

    Args:
        cross_validate: Whether it was passed.
        data: Values of DATA.
        unknown: Values of --unknown.
    """
    if cross_validate and (data or unknown):
        raise click.UsageError(
            "--cross-validate searches the gallery's own references: leave out DATA and --unknown, "
            "or --cross-validate."
        )
