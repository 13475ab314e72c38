"""Files that commands write: on the disk, or in cloud storage."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from likewise.commands.galleries import DirectoryName

if TYPE_CHECKING:
    from likewise.output.cloud import CloudFile

F = TypeVar("F", bound=Callable[..., Any])


class OutputFile(click.Path):
    """A file to write, in an existing folder or in cloud storage; its ending sets the format.

    Args:
        endings: Accepted endings, separated by spaces.
    """

    def __init__(self, endings: str) -> None:
        super().__init__(path_type=Path, dir_okay=False)
        self.endings = endings

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check the name that was typed.

        Args:
            value: The text.
            param: The option, for the error.
            ctx: The command, for the error.
        """
        file = _cloud_file(value) or Path(os.fsdecode(super().convert(value, param, ctx)))
        ending = os.path.splitext(file.name)[1].lower()
        if ending not in self.endings.split():
            raise click.BadParameter(f"{file} should end in one of {self.endings}.")
        if ending == ".parquet":
            from embedder.data.parquet import import_pyarrow

            import_pyarrow()  # if it is missing, say so before hours of work
        if isinstance(file, Path) and not file.parent.is_dir():
            raise click.ClickException(
                f"There is no folder {file.parent} to write {file.name} into: make it first."
            )
        return file


class MergedName(DirectoryName):
    """What `likewise merge` makes: a file, perhaps in cloud storage, or a gallery's directory."""

    def __init__(self) -> None:
        super().__init__("Merge into a directory, then use likewise copy.")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read what was typed.

        Args:
            value: The text.
            param: The argument, for the error.
            ctx: The command, for the error.
        """
        return _cloud_file(value) or super().convert(value, param, ctx)


def output_option(endings: str, *, required: bool = False) -> Callable[[F], F]:
    """Make the option -o, whose value the command gets as a path on the disk.

    Args:
        endings: Accepted endings of the file's name, separated by spaces.
        required: Whether the command needs the option.

    Returns:
        A decorator for a command.
    """

    def decorate(command: F) -> F:
        option = click.option(
            *("-o", "--output"),
            type=OutputFile(endings),
            required=required,
            help=f"Write to this file; its ending sets the format: {endings}.",
        )
        return option(stored(command))

    return decorate


def stored(command: F, *, with_parts: bool = False) -> F:
    """Let a command write its output on the disk, from where it is stored in the cloud.

    Args:
        command: Takes the path `output`.
        with_parts: Whether it reads the parts beside its output.
    """

    @wraps(command)
    def wrapped(*args: Any, output: Path | CloudFile | None, **others: Any) -> Any:
        if output is not None:
            _refuse_format()
            _refuse_inputs(output, others.get("inputs", ()))
        if output is None or isinstance(output, Path):
            return command(*args, output=output, **others)
        with output.made_here(with_parts=with_parts) as path:
            return command(*args, output=path, **others)

    return wrapped  # type: ignore[return-value]


def is_given(parameter: str) -> bool:
    """Whether the running command was given this option, rather than its default."""
    source = click.get_current_context().get_parameter_source(parameter)
    return source == click.core.ParameterSource.COMMANDLINE


def _refuse_format() -> None:
    """Refuse --format beside a file, whose ending sets the format."""
    if is_given("format_"):
        raise click.UsageError("Use --format or -o, not both: the file's ending sets its format.")


def _refuse_inputs(output: Path | CloudFile, inputs: Sequence[str]) -> None:
    """Refuse to write over a file that is read."""
    for source in inputs:
        if source == str(output) or _is_one_file(source, output):
            raise click.UsageError(
                f"{source} is read and would be overwritten: give -o another name."
            )


def _is_one_file(source: str, output: Path | CloudFile) -> bool:
    try:
        return isinstance(output, Path) and os.path.samefile(source, output)
    except (OSError, ValueError):  # one of them is not there
        return False


def _cloud_file(value: object) -> CloudFile | None:
    """The file of an address in cloud storage that can be reached; None for a path."""
    from embedder.data.cloud import is_cloud

    if not isinstance(value, str) or not is_cloud(value):
        return None
    from embedder.data.cloud import file_system
    from likewise.output.cloud import CloudFile

    file_system(value)  # if its driver is missing, say so before hours of work
    return CloudFile(value)
