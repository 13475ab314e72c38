"""Arguments and options that several commands share."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import click

F = TypeVar("F", bound=Callable[..., Any])
_SMALLEST_SHARE = 1e-9


class Number(click.FloatRange):
    """A finite number within a range; click's own range accepts `nan`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse the text of an option."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            expected = f"a finite number in the range {self._describe_range()}"
            self.fail(f"{value} is not {expected}.", param, ctx)
        return number


class Share(Number):
    """A number above 0 and below 1; smaller than 1e-9 would take billions of pictures."""

    def __init__(self) -> None:
        super().__init__(0, 1, min_open=True, max_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse the text of an option.

        Args:
            value: The text.
            param: The option, for the error.
            ctx: The command, for the error.
        """
        share = super().convert(value, param, ctx)
        if share < _SMALLEST_SHARE:
            self.fail(f"{value} is too small: it would take billions of pictures.", param, ctx)
        return share


DISTANCE = Number(min=0)
SHARE = Share()

inputs_argument = click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
split_option = click.option(
    "--split",
    metavar="NAME",
    help="Read only this part of inputs that have several: train, test, a folder's name, "
    "or a value in a table's column `split`.",
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
    "`photos`, the models that have a name.  [default: digits; `build` chooses by the pictures]",
)
min_margin_option = click.option(
    "--min-margin",
    type=DISTANCE,
    help="Answer `ambiguous` if the nearest other group is less than this distance farther away.",
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
    help="The label is the folder at this level below INPUT, 1 the outermost.  [default: the only "
    "level with several folders]",
)
_pattern_option = click.option(
    "--label-from",
    metavar="PATTERN",
    help="The label is what (?P<label>...) in this regular expression matches in a picture's path: "
    "below INPUT, if that is a folder or an archive, else as it is named.",
)
_label_option = click.option("--label", help="Give all these pictures this label.")
_each_option = click.option(
    "--label-each",
    is_flag=True,
    help="Make each picture a group of its own, labelled with its path below INPUT, without the "
    "extension unless only that differs.",
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
        split: The part to read, of inputs that have several.
        level: Level of the folder that is the label, from 1; None for the only level with several
            folders.
        pattern: Regular expression that finds labels in paths, in place of a level.
        label: The label of all pictures, in place of their own labels.
        each: Whether each picture is a group of its own, labelled with its name.
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
        """Whether labels are read from the inputs."""
        return self.label is None and not self.each and not self.unlabelled

    @property
    def words(self) -> list[str]:
        """The options as words of a command line."""
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
    """Add the options of reading labelled inputs; the command gets a `Reading`."""

    @functools.wraps(command)
    def with_reading(
        *arguments: Any,
        split: str | None,
        label_level: int | None,
        label_from: str | None,
        **options: Any,
    ) -> Any:
        if label_level is not None and label_from is not None:
            raise click.UsageError("Use --label-level or --label-from, not both.")
        return command(*arguments, reading=Reading(split, label_level, label_from), **options)

    options: Any = split_option(_level_option(_pattern_option(decode_timeout_option(with_reading))))
    return cast(F, options)


def labelling_options(command: F) -> F:
    """Add the options of reading labelled inputs, and of setting labels instead."""

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
                "Use only one of --label, --label-each, --unlabelled, --label-level and "
                "--label-from."
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
    help="If an id already stands for another picture or label: stop before writing anything, keep "
    "the last or the first, or put the input's name before the id.",
)
