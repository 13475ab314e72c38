"""Parts of a build that are made elsewhere, and arrive in the order of the input."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass

from embedder.data.records import Record
from likewise.bulk.elsewhere import Embedding, Machines
from likewise.bulk.embeddings import EmbedReport
from likewise.bulk.references import Passed, block, unpacked
from likewise.bulk.stream import embed_stream
from likewise.conflicts import Entry


@dataclass(frozen=True, slots=True)
class Referencing:
    """Makes future references of pictures, where the work is done.

    Attributes:
        embedding: Whose model it is.
        unlabelled: Whether records without a label become references without a group.
        source: Name of the input.
    """

    embedding: Embedding
    unlabelled: bool
    source: str

    def __call__(self, records: list[Record]) -> tuple[list[bytes], EmbedReport]:
        """Blocks as in a part of a build, and a report on the pictures.

        Raises:
            ElsewhereError: If the model of this machine is another one.
        """
        report = EmbedReport()
        parts = embed_stream(self.embedding.embedder(), records, hashed=True)
        made = [
            block(part, vectors, self.unlabelled, self.source, report) for part, vectors in parts
        ]
        return made, report


def references_of(
    machines: Machines,
    work: Referencing,
    dim: int,
    records: Iterable[Record],
    report: EmbedReport,
    progress: Callable[[int], object],
) -> Generator[Entry | Passed, None, None]:
    """Give the pictures as `read_references` would of all parts.

    Args:
        machines: Who makes them.
        work: How.
        dim: Length of a vector.
        records: The pictures.
        report: Counts them.
        progress: Called with the number of pictures done since the last call.
    """
    with closing(machines.results(work, records)) as results:
        for made, part in results:
            report.include(part)
            for content in made:
                stream = io.BytesIO(content)
                rows = json.loads(stream.readline())["rows"]
                yield from unpacked(rows, stream.read, dim)
                progress(len(rows))
