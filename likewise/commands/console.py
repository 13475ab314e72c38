"""stdin, stdout, notes on stderr, progress bars, and terminal capabilities."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

if TYPE_CHECKING:
    from embedder.data.records import Records
    from likewise.output.rows import Row

SHOWN_REASONS = 5
ROWS_AT_ONCE = 256


def stdin_lines() -> Iterator[str]:
    """Stream the lines of stdin, which may hold any bytes.

    A byte order mark is skipped; UTF-16, which PowerShell writes into files, is read too.
    """
    from embedder.data.encodings import UTF_8, text_encoding

    if sys.stdin is None:
        raise click.ClickException("stdin is closed, but - reads it: open it, or leave - out.")
    lines = iter(sys.stdin.buffer)
    first = next(lines, b"")
    encoding = text_encoding(first)
    if encoding != UTF_8:
        whole = first + sys.stdin.buffer.read()
        text = whole.decode(encoding, "replace")
        yield from text.replace("\r\n", "\n").split("\n")
        return
    for line in chain([first.removeprefix(codecs.BOM_UTF8)], lines):
        yield os.fsdecode(line.rstrip(b"\r\n"))


def data_stream() -> BinaryIO:
    """Get stdout for data: bytes, so that it is UTF-8 in every language of the terminal."""
    if sys.stdout is None:
        raise click.ClickException("stdout is closed, but there is output to print: leave it open.")
    return sys.stdout.buffer


def write_json(value: dict[str, Any]) -> None:
    """Write one JSON object to stdout."""
    from likewise.output.rows import json_line

    write_data(json_line(value))


def write_text(text: str) -> None:
    """Write lines for a person to stdout.

    Raises:
        OSError: As `write_data`.
    """
    from index.storage.files import written

    data_stream()  # refuses a closed one, which click passes over
    with written("stdout"):
        click.echo(text)


def write_data(content: bytes) -> None:
    """Write bytes to stdout, whole.

    Raises:
        OSError: If it cannot be written; its `filename` is `stdout`.
    """
    from index.storage.files import written

    stream = data_stream()
    with written("stdout"):
        stream.write(content)
        stream.flush()


def write_rows(rows: Iterator[Row], names: list[str], format_: str, output: Path | None) -> None:
    """Write rows to a file, or to stdout as they come.

    Args:
        rows: The rows.
        names: Their columns, in order.
        format_: `jsonl`, `csv` or `table`, for stdout.
        output: The file, whose ending decides its format; None for stdout.
    """
    from index.storage.files import written
    from likewise.output.rows import together
    from likewise.output.writers import write_file, writer

    if output is not None:
        write_file(output, rows, names)
        return
    stream = data_stream()
    to = writer(format_, stream, names)
    with written("stdout"):
        for batch in together(rows, ROWS_AT_ONCE):
            to.write(batch)
            stream.flush()
        to.close()
        stream.flush()


def note(text: str) -> None:
    """Write one or several lines that are not data to stderr."""
    from likewise.output.printable import printable

    click.echo("\n".join(map(printable, text.split("\n"))), err=True)


def log_line(text: str) -> None:
    """Write a line of a log to stderr, past Python's own buffer.

    A write that blocks, because nobody reads, would keep the lock of that buffer, and the process
    could not end.

    Raises:
        OSError: If it cannot be written.
    """
    from likewise.output.printable import printable

    try:
        descriptor = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # closed, or replaced by a test
        note(text)
        return
    lines = "\n".join(map(printable, text.split("\n")))
    left = f"{lines}\n".encode(errors="backslashreplace")
    while left:
        left = left[os.write(descriptor, left) :]


def note_unreadable(unreadable: list[tuple[str, str]]) -> None:
    """Name the first few pictures that could not be read."""
    from likewise.output.printable import printable

    for id, reason in unreadable[:SHOWN_REASONS]:
        note(f"unreadable: {printable(id)}: {reason}")
    if len(unreadable) > SHOWN_REASONS:
        note(f"unreadable: {len(unreadable) - SHOWN_REASONS} more")


def note_source(*sources: Records | None) -> None:
    """Say where labels were found in inputs, and what in them was passed over."""
    from likewise.output.printable import printable

    for source in sources:
        for line in source.notes if source is not None else ():
            note(printable(line))  # a folder's name may have line ends


@contextmanager
def progress_bar(total: int | None, of: str = "pictures") -> Iterator[Callable[[int], object]]:
    """Show how many pictures are done, how fast, and the time left where the total is known.

    The bar appears on stderr once the work takes longer than a second; in a log it is a line, every
    ten seconds.

    Args:
        total: Number of pictures, or None.
        of: What they are, where they are no pictures.

    Yields:
        A function that adds to the number of finished pictures.
    """
    from tqdm import tqdm

    in_log = not sys.stderr.isatty()
    with tqdm(
        total=total,
        unit=f" {of}",
        delay=1.0,
        mininterval=10.0 if in_log else 0.1,
        leave=False,
        file=LogLines() if in_log else sys.stderr,
    ) as bar:
        yield bar.update


class LogLines:
    """Writes each state of a bar to stderr as a line, not over the one before."""

    def write(self, text: str) -> int:
        """Write a line; a text of blanks, which would clear a terminal's, is left out."""
        if state := text.strip():
            sys.stderr.write(f"{state}\n")
        return len(text)

    def flush(self) -> None:
        """Flush stderr."""
        sys.stderr.flush()


def columns() -> int:
    """Measure the width of the terminal."""
    import shutil

    return shutil.get_terminal_size().columns


def has_colour() -> bool:
    """Decide whether to use colour: on a terminal, unless NO_COLOR is set."""
    return data_stream().isatty() and not os.environ.get("NO_COLOR")
