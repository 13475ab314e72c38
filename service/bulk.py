"""Many pictures in, one row each out, in input order and in constant memory.

    records ─chunks─▶ decode (threads that run ahead) ─▶ embed ─▶ Gallery.check ─▶ rows

Decoding holds Python's lock for much of its time; the network and FAISS release it. So while this
thread waits for them, the next chunks are decoded. Does not write rows (`outputs`, `journal`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.model import Embedder
from embedder.records import Record
from index.decision import AMBIGUOUS, ERROR, MATCH, NO_MATCH
from service.decoding import Decoded, ahead, chunks, decode
from service.matcher import Matcher
from service.rows import Row, decision_row, error_row, query_row

CHUNK = 512  # pictures embedded and searched together: 512 rows amortise FAISS's fixed cost
_THREADS = 2
_WAITING = 3


@dataclass(slots=True)
class Summary:
    """Counts of a job's rows by decision.

    Example:
        >>> summary = Summary()
        >>> [row["id"] for row in summary.counted([{"id": "a.png", "decision": "match"}])]
        ['a.png']
        >>> summary.sentence(seconds=0.5)
        '1 picture: 1 match, 0 no_match, 0 ambiguous, 0 unreadable; 0.5 s, 2 pictures per second'
    """

    decisions: Counter[str] = field(default_factory=Counter)

    def counted(self, rows: Iterable[Row]) -> Generator[Row, None, None]:
        """Pass rows on and count them."""
        for row in rows:
            self.decisions[row["decision"]] += 1
            yield row

    @property
    def total(self) -> int:
        """How many rows were counted."""
        return self.decisions.total()

    def sentence(self, seconds: float) -> str:
        """Say what was counted and how fast it went."""
        counts = ", ".join(
            f"{self.decisions[name]} {name}" for name in (MATCH, NO_MATCH, AMBIGUOUS)
        )
        rate = self.total / max(seconds, 1e-9)
        return (
            f"{self.total} picture{'' if self.total == 1 else 's'}: {counts}, "
            f"{self.decisions[ERROR]} unreadable; {seconds:.1f} s, {rate:.0f} pictures per second"
        )


def check_stream(
    matcher: Matcher,
    records: Iterable[Record],
    *,
    k: int = 5,
    threshold: float | None = None,
    min_margin: float | None = None,
    group: str | None = None,
    chunk: int = CHUNK,
) -> Generator[Row, None, None]:
    """Check each picture of a stream, of any length.

    A row depends on its picture and the gallery alone, not on its neighbours in the stream or on
    where it was cut, so a job that goes on later gives the same rows.

    Args:
        matcher: Embedder and gallery.
        records: The pictures; labels are not looked at.
        k: Nearest references that are asked.
        threshold: Largest distance that is a match; the gallery's own when None.
        min_margin: Least distance by which the runner-up must be farther, else `ambiguous`.
        group: Ask about this group alone.
        chunk: Pictures that are embedded and searched together.

    Yields:
        One row per record, in order, as `service.rows` describes it. A picture that cannot be
        read is a row with the decision `error`.

    Raises:
        EmptyGalleryError: If there are no references.
        GalleryError: If there is no such group, or no threshold.

    Example:
        >>> import tempfile
        >>> from embedder.datasets import records
        >>> with Matcher.create(f"{tempfile.mkdtemp()}/digits.gallery", Embedder.load()) as matcher:
        ...     report = matcher.add(records("mnist/test/00000"))
        ...     [row] = check_stream(matcher, records("mnist/test/00000"))
        >>> row["id"], row["decision"], row["label"]
        ('mnist/test/00000', 'match', '7')
    """
    limit = matcher.gallery.default_threshold if threshold is None else threshold
    asked: dict[str, Any] = {"k": k, "threshold": limit, "min_margin": min_margin, "group": group}
    for part, vectors in embed_stream(matcher.embedder, records, chunk=chunk):
        answers = iter(matcher.decide(vectors, **asked))
        for place, record in enumerate(part.records):
            if place in part.reasons:
                yield error_row(record.id, part.reasons[place], limit)
            else:
                yield decision_row(record.id, next(answers))


def query_stream(
    matcher: Matcher, records: Iterable[Record], *, k: int = 5, chunk: int = CHUNK
) -> Generator[Row, None, None]:
    """Find the k nearest references of each picture of a stream.

    Args:
        matcher: Embedder and gallery.
        records: The pictures.
        k: Neighbours of each; of a smaller gallery all references.
        chunk: Pictures that are embedded and searched together.

    Yields:
        One row per record, in order; a picture that cannot be read has a reason and no neighbours.
    """
    for part, vectors in embed_stream(matcher.embedder, records, chunk=chunk):
        found = matcher.gallery.search(vectors, matcher.neighbours_of(k))
        answers = iter(range(len(found)))
        for place, record in enumerate(part.records):
            if place in part.reasons:
                yield {"id": record.id, "neighbours": [], "reason": part.reasons[place]}
            else:
                yield query_row(record.id, found[next(answers)])


def embed_stream(
    embedder: Embedder, records: Iterable[Record], *, chunk: int = CHUNK
) -> Generator[tuple[Decoded, npt.NDArray[np.float32]], None, None]:
    """Embed the pictures of a stream; those further on are decoded meanwhile.

    Yields:
        Some records, in order, and the embeddings of those that can be read, `(m, dim)`.

    Example:
        >>> from embedder.datasets import records
        >>> sizes = [len(some) for _, some in embed_stream(Embedder.load(), records("mnist/test"))]
        >>> sum(sizes)
        10000
    """

    def decoded(some: list[Record]) -> Decoded:
        return decode(some, embedder)

    parts = ahead(decoded, chunks(records, chunk), threads=_THREADS, waiting=_WAITING)
    with closing(parts):
        for part in parts:
            yield part, embedder.embed(part.images)
