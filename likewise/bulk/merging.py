"""Make of all parts the file that one run would have written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from likewise.bulk.embeddings import write_vectors
from likewise.bulk.parts import Part, PartsError, lines, vectors
from likewise.output.columns import columns
from likewise.output.rows import row_of
from likewise.output.writers import format_of, replacing, write_file


@dataclass(frozen=True, slots=True)
class Merged:
    """What was merged.

    Attributes:
        rows: Number of rows.
        parts: Number of parts.
    """

    rows: int
    parts: int


def merge_parts(output: Path, parts: list[Part]) -> Merged:
    """Write an output file from its parts, whole or not at all.

    Args:
        output: The whole file.
        parts: All its parts, in order, as `read_parts` finds them.

    Raises:
        PartsError: If the file's ending does not fit, or a part is damaged.
    """
    job = parts[0].settings.get("job")
    if job == "check":
        _require_ending(output, ".jsonl", ".csv", ".parquet")
        _merge_rows(parts, output)
    elif job == "embed":
        _require_ending(output, ".npy", ".parquet")
        write_vectors(output, parts[0].settings["dim"], vectors(parts))
    else:
        raise PartsError(f"{parts[0].path} is of a job that this version does not know: {job!r}.")
    return Merged(parts[0].end["pictures"], len(parts))


def _require_ending(output: Path, *endings: str) -> None:
    if output.suffix.lower() not in endings:
        raise PartsError(f"{output} should end in one of {', '.join(endings)} for these parts.")


def _merge_rows(parts: list[Part], output: Path) -> None:
    """Lines of JSON are copied, others written from them."""
    if format_of(output) == "jsonl":
        with replacing(output) as stream:
            stream.writelines(lines(parts))
        return
    settings = parts[0].settings
    names = columns(settings["k"], decided=True, evidence=settings["evidence"] is not None)
    write_file(output, map(row_of, lines(parts)), names)
