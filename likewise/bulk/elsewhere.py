"""Work on parts of an input that is done elsewhere: what is sent, what is done there, what returns.

Everything here can be pickled. `ray` brings it to other machines.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Generic, Protocol, TypeAlias, TypeVar

from embedder.data.records import Record
from embedder.decoders.pool import SECONDS, limit_seconds, seconds_limit
from embedder.model import Embedder
from index.address import Place
from index.decision import CheckOptions, Rule
from likewise.bulk.embeddings import Embedded, EmbedReport, embedded, write_vectors
from likewise.bulk.maker import maker
from likewise.bulk.shard import require_local
from likewise.bulk.stream import check_stream
from likewise.bulk.summary import Summary
from likewise.errors import LikewiseError
from likewise.matcher import Matcher
from likewise.output.rows import json_line

T = TypeVar("T")


class ElsewhereError(LikewiseError):
    """Work on another machine failed there, or that machine has another gallery or model."""


Work: TypeAlias = Callable[[list[Record]], T]  # what is done with each part of an input


class Machines(Protocol):
    """Whoever does work on the parts of an input."""

    def results(self, work: Work[T], records: Iterable[Record]) -> Generator[T, None, None]:
        """Divide the records, and give the result of each part in the order of the input.

        Args:
            work: What to do with each part.
            records: All records.
        """


@dataclass(frozen=True, slots=True)
class Settings:
    """What a command set in its own process.

    Attributes:
        decode_seconds: Limit of the processor time for one picture.
        cache: Where local copies of a gallery in PostgreSQL lie; None for the user's cache.
    """

    decode_seconds: float = SECONDS
    cache: str | None = None

    @classmethod
    def of_this_process(cls) -> Settings:
        """Those of the command that runs."""
        return cls(seconds_limit(), os.environ.get("LIKEWISE_CACHE"))

    def apply(self) -> None:
        """Set them in this process."""
        if self.decode_seconds != seconds_limit():
            limit_seconds(self.decode_seconds)
        if self.cache is not None:
            os.environ["LIKEWISE_CACHE"] = self.cache


@dataclass(frozen=True, slots=True)
class Checking:
    """Checks pictures against a gallery that is opened where the work is done.

    Attributes:
        gallery: Where it is on every machine.
        references: Its checksum.
        model: Its fingerprint.
        options: As for `check_stream`, `k` not above what the gallery has.
        rule: The options, resolved once for all machines.
        settings: The command's.
    """

    gallery: Place
    references: str
    model: str
    options: CheckOptions
    rule: Rule
    settings: Settings

    def __call__(self, records: list[Record]) -> tuple[bytes, Summary]:
        """Rows as lines of JSON, and their counts.

        Raises:
            ElsewhereError: If the gallery of this machine is another one, or was changed.
        """
        self.settings.apply()
        matcher = _opened(self.gallery)
        self._require_same(matcher)
        summary = Summary()
        rows = summary.counted(check_stream(matcher, records, self.options, rule=self.rule))
        lines = b"".join(map(json_line, rows))
        self._require_same(matcher)
        return lines, summary

    def _require_same(self, matcher: Matcher) -> None:
        has = (matcher.gallery.checksum, matcher.gallery.fingerprint)
        if has != (self.references, self.model):
            raise ElsewhereError(
                f"{self.gallery} has other references or another model there than where the "
                "command runs, or was changed meanwhile: give every machine the same gallery."
            )


@dataclass(frozen=True, slots=True)
class Embedding:
    """Embeds pictures by a model that is opened where the work is done.

    Attributes:
        gallery: The gallery whose model it is, or None.
        model: The model's directory or name, or None.
        fingerprint: The model's.
        settings: The command's.
    """

    gallery: Place | None
    model: Path | None
    fingerprint: str
    settings: Settings

    @classmethod
    def of(cls, embedder: Embedder, gallery: Place | None, model: Path | None) -> Embedding:
        """The same model elsewhere.

        Args:
            embedder: As it was opened here.
            gallery: The gallery whose model it is, or None.
            model: The model as the user named it, or None.
        """
        place = gallery.absolute() if isinstance(gallery, Path) else gallery
        directory = model.absolute() if model is not None and model.is_dir() else model
        return cls(place, directory, embedder.fingerprint, Settings.of_this_process())

    def __call__(self, records: list[Record]) -> tuple[Embedded, EmbedReport]:
        """The vectors, and a report on the pictures.

        Raises:
            ElsewhereError: If the model of this machine is another one.
        """
        report = EmbedReport()
        parts = list(embedded(self.embedder(), records, report))
        return Embedded.joined(parts), report

    def embedder(self) -> Embedder:
        """The model, on the machine that does the work.

        Raises:
            ElsewhereError: If this machine has another one.
        """
        self.settings.apply()
        embedder = _model(self.model) if self.gallery is None else _opened(self.gallery).embedder
        if embedder.fingerprint != self.fingerprint:
            raise ElsewhereError(
                f"The model there is {embedder.fingerprint}, not {self.fingerprint} as where the "
                "command runs: give every machine the same one."
            )
        return embedder


def write_embeddings_of(
    machines: Machines,
    work: Embedding,
    dim: int,
    records: Iterable[Record],
    path: Path,
    progress: Callable[[int], object],
) -> EmbedReport:
    """Write embeddings that are made elsewhere into a file, as `write_embeddings` does.

    Args:
        machines: Who makes them.
        work: How.
        dim: Length of a vector.
        records: The pictures.
        path: `.npy` or `.parquet`.
        progress: Called with the number of pictures done since the last call.
    """
    report = EmbedReport()

    def parts() -> Iterator[Embedded]:
        with closing(machines.results(work, records)) as results:
            for rows, part in results:
                report.include(part)
                yield rows
                progress(part.rows)

    write_vectors(path, dim, parts())
    return report


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What returns from another machine: a result, or why there is none.

    Errors return as values, because a library that sees them raised may log them with the names of
    pictures in them.

    Attributes:
        result: The result, if `failure` is empty.
        failure: One sentence.
        machine: The machine's name.
        made_by: Its processor and versions.
    """

    result: T | None
    failure: str
    machine: str
    made_by: str


def done(work: Work[T], records: list[Record]) -> Answer[T]:
    """Do work on a part of an input.

    Args:
        work: What to do.
        records: The part.
    """
    result, failure = None, ""
    try:
        result = work(records)
    except (LikewiseError, OSError) as error:
        failure = " ".join(str(error).split())
    except Exception as error:  # a defect; its traceback stays there
        failure = f"Unexpected {type(error).__name__}: {' '.join(str(error).split())}"
    return Answer(result, failure, platform.node(), ", ".join(maker().values()))


@cache
def _opened(gallery: Place) -> Matcher:
    """Open once in each process; a process of Ray works for one command."""
    require_local(gallery)
    return Matcher.open(gallery)


@cache
def _model(path: Path | None) -> Embedder:
    return Embedder.load(path)
