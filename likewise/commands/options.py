"""Arguments and options that several commands share."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import click

F = TypeVar("F", bound=Callable[..., Any])


class Number(click.FloatRange):
    """A finite number within a range; every plain range lets `nan` through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse the text of an option."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            expected = f"a finite number in the range {self._describe_range()}"
            self.fail(f"{value} is not {expected}.", param, ctx)
        return number


DISTANCE = Number(min=0)
SHARE = Number(1e-9, 1, max_open=True)  # a smaller one would take billions of pictures

gallery_argument = click.argument("gallery", type=click.Path(path_type=Path))
inputs_argument = click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
split_option = click.option(
    "--split",
    metavar="NAME",
    help="Read this part only, train, test or a folder's name, from inputs that hold several.",
)
neighbours_option = click.option(
    "-k",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Number of nearest references per picture.",
)
format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(["jsonl", "csv", "table"]),
    default="jsonl",
    show_default=True,
    help="Format of the rows on stdout.",
)
text_or_json_option = click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Output format: text for people, json for programs.",
)
model_option = click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="Model directory, as written by `likewise train` or `likewise import`; or `digits` or "
    "`photos`, the models that have a name.  [default: digits]",
)
min_margin_option = click.option(
    "--min-margin",
    type=DISTANCE,
    help="Answer `ambiguous` if another group is less than this distance farther away.",
)
at_option = click.option(
    "--at",
    metavar="NAME",
    help="Use this operating point (`likewise info` lists them).  [default: the gallery's default]",
)
evidence_option = click.option(
    "--evidence",
    is_flag=True,
    help="Add p_value: the share of unknown calibration pictures that were at least this close.",
)
unknown_option = click.option(
    "--unknown",
    metavar="DATA",
    multiple=True,
    help="Pictures that belong to none of the groups; may be repeated.",
)


def _limit_decoding(context: click.Context, option: click.Parameter, seconds: float | None) -> None:
    if seconds is not None:
        from embedder.decoders.pool import limit_seconds

        limit_seconds(seconds)


decode_timeout_option = click.option(
    "--decode-timeout",
    type=Number(0, min_open=True),
    callback=_limit_decoding,
    expose_value=False,
    help="Maximum processor time, in seconds, to decode a picture of unknown cost.  [default: 60]",
)
_level_option = click.option(
    "--label-level",
    type=click.IntRange(min=1),
    metavar="N",
    help="The label is the folder at this level below INPUT, 1 the outermost.  [default: the one "
    "level that divides]",
)
_pattern_option = click.option(
    "--label-from",
    metavar="PATTERN",
    help="Or what (?P<label>...) matches in the path of a picture, a regular expression.",
)
_label_option = click.option("--label", help="Give all these pictures this label.")
_each_option = click.option(
    "--label-each",
    is_flag=True,
    help="Make each picture a group of its own, called by its path below INPUT without the ending, "
    "which stays where names differ in it alone.",
)
_unlabelled_option = click.option(
    "--unlabelled",
    is_flag=True,
    help="Add the pictures without labels: query, doctor and the page find them, check passes them "
    "over.",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How inputs are read.

    Attributes:
        split: Part of an input that holds several.
        level: Folder that is the label, from 1; None for the one level that divides.
        pattern: In its place a pattern that finds labels in paths.
        label: The label of all pictures, in place of their own.
        each: Whether each picture is a group of its own, called by its name.
        unlabelled: Whether the pictures get no label.
    """

    split: str | None = None
    level: int | None = None
    pattern: str | None = None
    label: str | None = None
    each: bool = False
    unlabelled: bool = False

    @property
    def labelled(self) -> bool:
        """Whether labels are looked for in the inputs."""
        return self.label is None and not self.each and not self.unlabelled

    @property
    def words(self) -> list[str]:
        """The options that say so."""
        options = {
            "split": self.split,
            "label-level": self.level,
            "label-from": self.pattern,
            "label": self.label,
        }
        values = {name: value for name, value in options.items() if value is not None}
        words = [word for name, value in values.items() for word in (f"--{name}", str(value))]
        flags = {"--label-each": self.each, "--unlabelled": self.unlabelled}
        return [*words, *(name for name, is_set in flags.items() if is_set)]


def reading_options(command: F) -> F:
    """Add the options that say how labelled inputs are read; the command gets a `Reading`."""

    @functools.wraps(command)
    def with_reading(
        *arguments: Any,
        split: str | None,
        label_level: int | None,
        label_from: str | None,
        **options: Any,
    ) -> Any:
        if label_level is not None and label_from is not None:
            raise click.UsageError("Give --label-level or --label-from, not both.")
        return command(*arguments, reading=Reading(split, label_level, label_from), **options)

    options: Any = split_option(_level_option(_pattern_option(decode_timeout_option(with_reading))))
    return cast(F, options)


def labelling_options(command: F) -> F:
    """Add the options that say how labelled inputs are read, or which labels they get instead."""

    @functools.wraps(command)
    def with_labels(
        *arguments: Any,
        reading: Reading,
        label: str | None,
        label_each: bool,
        unlabelled: bool,
        **options: Any,
    ) -> Any:
        ways = [reading.level, reading.pattern, label, label_each or None, unlabelled or None]
        if len(ways) - ways.count(None) > 1:
            raise click.UsageError(
                "Give one of --label, --label-each, --unlabelled, --label-level and --label-from."
            )
        reading = replace(reading, label=label, each=label_each, unlabelled=unlabelled)
        return command(*arguments, reading=reading, **options)

    shared = reading_options(with_labels)
    options: Any = _label_option(_each_option(_unlabelled_option(shared)))
    return cast(F, options)


conflict_option = click.option(
    "--on-conflict",
    type=click.Choice(["error", "replace", "skip", "rename"]),
    default="error",
    show_default=True,
    help="For a picture whose id another picture or label has: stop before anything is written, "
    "keep the last or the first, or put the input's name before the id.",
)


class OutputFile(click.Path):
    """A file to write, in an existing folder, whose ending decides its format.

    Args:
        endings: Accepted endings of the file's name, separated by spaces.
    """

    def __init__(self, endings: str) -> None:
        super().__init__(path_type=Path, dir_okay=False)
        self.endings = endings

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check the name that was typed."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if path.suffix.lower() not in self.endings.split():
            raise click.BadParameter(f"{path} should end in one of {self.endings}.")
        if path.suffix.lower() == ".parquet":
            from embedder.data.parquet import import_pyarrow

            import_pyarrow()  # if it is missing, say so before hours of work
        if not path.parent.is_dir():
            raise click.ClickException(
                f"There is no folder {path.parent} to write {path.name} into: make it first."
            )
        return path


def output_option(endings: str, *, required: bool = False) -> Callable[[F], F]:
    """Make the option -o.

    Args:
        endings: Accepted endings of the file's name, separated by spaces.
        required: Whether the command needs the option.

    Returns:
        A decorator for a command.
    """
    return click.option(
        *("-o", "--output"),
        type=OutputFile(endings),
        required=required,
        help=f"Write to this file; its ending sets the format: {endings}.",
    )
