"""The journal of an unfinished job, from which a killed job continues.

`rows.csv.partial` is beside the output, `rows.csv`: a first line that describes the job (gallery
and generation, model, options, inputs), then one JSON row per picture. Rows are appended; at the
end the output is written from them atomically, and the journal is removed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from embedder.data.records import Record
from index.storage.files import written
from likewise.bulk.shard import Taken, write_part
from likewise.errors import LikewiseError
from likewise.locking import locked
from likewise.output.rows import Row, json_line
from likewise.output.writers import format_of, replacing, write_file

_BLOCK = 1 << 16
_MAKER = "made_by"  # the setting that says which processor and versions made a part
_AFTER_ID = len('{"id"')  # the value follows; earlier versions wrote a space before it
_decoder = json.JSONDecoder()


class ResumeError(LikewiseError):
    """An interrupted job cannot be continued."""


class Journal:
    r"""The rows of an unfinished output file.

    Attributes:
        output: The output file.
        path: The journal.
        done: Number of rows from earlier runs.

    Args:
        output: A `.jsonl`, `.csv` or `.parquet` file, or a part of one.
        settings: JSON settings that determine the rows; resuming requires the same.
        columns: Columns of a CSV, as for `output.writers.writer`.
        resume: Continue an earlier run's journal, if there is one.

    Raises:
        ResumeError: If an earlier run left something and `resume` is not set, or it was
            another job, or another run is writing it.

    Example:
        >>> import tempfile
        >>> output = Path(tempfile.mkdtemp()) / "rows.jsonl"
        >>> with Journal(output, {"k": 5}, ["id"]) as journal:
        ...     journal.write([{"id": "a.png"}])
        ...     journal.finish()
        >>> output.read_text()
        '{"id":"a.png"}\n'
    """

    def __init__(
        self,
        output: Path,
        settings: Mapping[str, Any],
        columns: Sequence[str],
        *,
        resume: bool = False,
    ) -> None:
        self.output = output
        self.path = journal_path(output)
        self.done = 0
        self._idle = True  # nothing to resume
        self._columns = columns
        header = json_line(dict(settings))
        self._held = ExitStack()
        self._hold()
        try:
            self._file: BinaryIO = self._held.enter_context(self.path.open("a+b"))
            if not resume:
                self._refuse_rows()
            self._drop_half_line()
            with written(self.path):
                self._start_or_go_on(header)
        except BaseException:
            with suppress(OSError):  # a full disk, already reported
                self._held.close()
            raise

    def remaining(self, records: Iterable[Record]) -> Iterator[Record]:
        """Skip inputs whose rows exist, without decoding them; yield the others.

        Args:
            records: All inputs of the job, from the first.

        Raises:
            ResumeError: If they differ from the inputs of the journal.
        """
        stream = iter(records)
        with self.path.open("rb") as journal:
            journal.readline()
            for _ in range(self.done):
                record = next(stream, None)
                if record is None or _id_of(journal.readline()) != record.id:
                    raise self._another_job("its inputs, or their order, differ")
        yield from stream

    def write(self, rows: Sequence[Row]) -> None:
        """Append rows, which survive a kill of this process once this returns."""
        self.write_lines(b"".join(map(json_line, rows)))

    def write_lines(self, lines: bytes) -> None:
        """Append rows that are lines of JSON already."""
        with written(self.path):
            self._file.write(lines)
            self._file.flush()
        self._idle = self._idle and not lines

    def finish(self) -> None:
        """Write the output from all rows, then remove the journal."""
        with self.path.open("rb") as journal:
            journal.readline()
            if format_of(self.output) == "jsonl":
                with replacing(self.output) as stream:
                    shutil.copyfileobj(journal, stream)
            else:
                write_file(self.output, map(json.loads, journal), self._columns)
        self.path.unlink()

    def finish_part(self, taken: Taken) -> None:
        """Write the output as a part: the settings, all rows, and a last line."""
        with self.path.open("rb") as journal:
            write_part(self.output, iter(partial(journal.read, _BLOCK), b""), taken)
        self.path.unlink()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        with self._held:
            with written(self.path):
                self._file.close()
            if self._idle and not self.done:
                self.path.unlink(missing_ok=True)

    def _hold(self) -> None:
        """Become the only process that writes this journal."""
        lock = self.path.with_name(f"{self.path.name}.lock")
        try:
            alone = self._held.enter_context(locked(lock, wait=False))
        except OSError as error:
            error.filename = str(self.output)  # which the user knows; the lock is ours
            raise
        if not alone:
            raise ResumeError(
                f"Another run is writing {self.path} now. Wait until it ends, or choose another "
                "output file."
            )
        self._held.callback(_unlink, lock)  # nobody waits for it

    def _refuse_rows(self) -> None:
        if os.fstat(self._file.fileno()).st_size:
            raise ResumeError(
                f"{self.path} is left from an interrupted run. Continue it with --resume, or "
                "remove it to start again."
            )

    def _drop_half_line(self) -> None:
        """Truncate an incomplete last line."""
        end = self._file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - _BLOCK)
            self._file.seek(start)
            line_end = self._file.read(end - start).rfind(b"\n")
            if line_end >= 0:
                end = start + line_end + 1
                break
            end = start
        self._file.truncate(end)

    def _start_or_go_on(self, header: bytes) -> None:
        self._file.seek(0)
        stored = self._file.readline()
        if not stored:
            self._file.write(header)
            self._file.flush()
        elif difference := _difference(stored, header):
            raise self._another_job(difference)
        else:
            self.done = sum(1 for _ in self._file)

    def _another_job(self, difference: str) -> ResumeError:
        return ResumeError(
            f"{self.path} was left by another job: {difference}. Repeat that job to continue it, "
            "or remove the file to start again."
        )


def journal_path(output: Path) -> Path:
    """Path of the journal of an output file.

    Example:
        >>> journal_path(Path("rows.csv")).name
        'rows.csv.partial'
    """
    return output.with_name(f"{output.name}.partial")


def require_whole(path: Path, settings: Mapping[str, Any], end: Mapping[str, Any]) -> int:
    """Number of rows of a whole part of this job, whatever processor made it.

    Args:
        path: The part.
        settings: Those of the job.
        end: What the last line says of its inputs.

    Raises:
        ResumeError: If it is of another job.
    """
    rows, last = 0, b""
    with path.open("rb") as part:
        difference = _difference(part.readline(), json_line(dict(settings)), but=_MAKER)
        for line in part:
            rows, last = rows + bool(last), line
    if not difference and not end.items() <= _fields(last).items():
        difference = "its inputs, or their order, differ"
    if difference:
        raise ResumeError(
            f"{path} is complete, but of another job: {difference}. Leave out --resume to replace "
            "it, or choose another output file."
        )
    return rows


def _fields(line: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError):
        return {}


def _difference(stored: bytes, header: bytes, *, but: str = "") -> str | None:
    """Describe the first setting that differs, if any, but for one that may."""
    now = json.loads(header)
    try:
        before = dict(json.loads(stored))
    except (ValueError, TypeError):
        return "its first line is damaged"
    for name in [*now, *before]:
        was, wanted = before.get(name), now.get(name)
        if was != wanted and name != but:
            if name == _MAKER:
                return f"it was made by {_machine(was)}, not {_machine(wanted)}"
            verb = "were" if name.endswith("s") else "was"
            return f"its {name.replace('_', ' ')} {verb} {_shown(was)}, not {_shown(wanted)}"
    return None


def _machine(made_by: Any) -> str:
    return ", ".join(map(str, made_by.values())) if isinstance(made_by, dict) else _shown(made_by)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "none" if value is None else repr(value)


def _id_of(line: bytes) -> str | None:
    """Read the id of a row without reading the rest of it."""
    try:
        text = line.decode()
        id, _ = _decoder.raw_decode(text, text.index('"', _AFTER_ID))
    except ValueError:
        return None
    return id if isinstance(id, str) else None


def _unlink(path: Path) -> None:
    with suppress(OSError):  # Windows cannot remove open files
        path.unlink()
