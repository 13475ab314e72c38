"""Many pictures in, one row each out, in input order and in constant memory.

    records ─chunks─▶ decode │ embed ─▶ Gallery.check │ rows

Each of the three has threads of its own and runs a chunk ahead of the next. Making rows and reading
small pictures hold Python's lock; the network, FAISS and the decoders of large pictures release it.
Does not write rows (`outputs`, `journal`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, TypeVar

from embedder.data.records import Record
from embedder.model import Embedder
from embedder.text import counted
from index.decision import AMBIGUOUS, ERROR, MATCH, NO_MATCH, Decision, Neighbours
from likewise.arrays import Floats
from likewise.decoding import Decoded, ahead, decode_stream
from likewise.matcher import Matcher
from likewise.output.rows import NEIGHBOURS_AT_ONCE, Row, decision_rows, error_row, query_row

CHUNK = 2048  # pictures searched together
_SECONDS = 0.5  # large pictures need not fill a chunk: rows and progress come at least as often

T = TypeVar("T")


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
            f"{counted(self.total, 'picture')}: {counts}, "
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
    at: str | None = None,
    evidence: bool = False,
    chunk: int = CHUNK,
) -> Generator[Row, None, None]:
    """Check each picture of a stream, of any length.

    A row depends on its picture and the gallery alone, not on its neighbours in the stream or on
    where it was cut, so a job that goes on later gives the same rows.

    Args:
        matcher: Embedder and gallery.
        records: The pictures; labels are not looked at.
        k: Nearest references that are asked.
        threshold: Largest distance that is a match, for all groups; that of `at` when None.
        min_margin: Least distance by which the runner-up must be farther, else `ambiguous`;
            that of `at`, if it has one, when None.
        group: Ask about this group alone.
        at: Name of the gallery's operating point; its default, as it is now, when None.
        evidence: Give each row its `p_value`.
        chunk: Pictures that are embedded and searched together.

    Yields:
        One row per record, in order, as `likewise.output.rows` describes it. A picture that
        cannot be read is a row with the decision `error`.

    Raises:
        EmptyGalleryError: If there are no references.
        GalleryError: If there is no such group or operating point, no threshold, or no evidence.

    Example:
        >>> import tempfile
        >>> from embedder.data.sources import records
        >>> with Matcher.create(f"{tempfile.mkdtemp()}/digits.gallery", Embedder.load()) as matcher:
        ...     report = matcher.add(records("mnist/test/00000"))
        ...     [row] = check_stream(matcher, records("mnist/test/00000"))
        >>> row["id"], row["decision"], row["label"]
        ('mnist/test/00000', 'match', '7')
    """
    rule = matcher.gallery.rule(at, threshold=threshold, min_margin=min_margin)
    asked: dict[str, Any] = {
        **{"k": k, "threshold": threshold, "min_margin": min_margin, "group": group},
        **{"at": rule.point, "evidence": evidence},
    }

    def answer(vectors: Floats) -> list[Decision]:
        return matcher.decide(vectors, **asked)

    matcher.gallery.warm_ahead()
    chunk = _bounded(chunk, matcher.neighbours_of(k))
    for part, answers in _answered(matcher.embedder, records, answer, chunk):
        given = decision_rows([record.id for record in part.readable], answers)
        for place, record in enumerate(part.records):
            if place in part.reasons:
                yield error_row(record.id, part.reasons[place], rule.limits.threshold)
            else:
                yield next(given)


def query_stream(
    matcher: Matcher,
    records: Iterable[Record],
    *,
    k: int = 5,
    at: str | None = None,
    evidence: bool = False,
    chunk: int = CHUNK,
) -> Generator[Row, None, None]:
    """Find the k nearest references of each picture of a stream.

    Args:
        matcher: Embedder and gallery.
        records: The pictures.
        k: Neighbours of each; of a smaller gallery all references.
        at: Name of the operating point that the evidence is of; the gallery's default when None.
        evidence: Give each row its `p_value`.
        chunk: Pictures that are embedded and searched together.

    Yields:
        One row per record, in order; a picture that cannot be read has a reason and no neighbours.
    """

    def answer(vectors: Floats) -> tuple[Neighbours, list[float | None]]:
        found = matcher.gallery.search(vectors, matcher.neighbours_of(k))
        if not evidence:
            return found, [None] * len(found)
        return found, matcher.gallery.p_values(found.distances[:, 0], at).tolist()

    matcher.gallery.warm_ahead()
    chunk = _bounded(chunk, matcher.neighbours_of(k))
    for part, (found, shares) in _answered(matcher.embedder, records, answer, chunk):
        queries = iter(range(len(found)))
        for place, record in enumerate(part.records):
            if place in part.reasons:
                yield {"id": record.id, "neighbours": [], "reason": part.reasons[place]}
            else:
                query = next(queries)
                yield query_row(record.id, found[query], shares[query])


def embed_stream(
    embedder: Embedder, records: Iterable[Record], *, hashed: bool = False, chunk: int = CHUNK
) -> Generator[tuple[Decoded, Floats], None, None]:
    """Embed the pictures of a stream; those further on are decoded meanwhile.

    Args:
        embedder: Makes the vectors.
        records: The pictures.
        hashed: Whether the records come with content hashes.
        chunk: Pictures that are embedded together.

    Yields:
        Some records, in order, and the embeddings of those that can be read, `(m, dim)`.

    Example:
        >>> from embedder.data.sources import records
        >>> sizes = [len(some) for _, some in embed_stream(Embedder.load(), records("mnist/test"))]
        >>> sum(sizes)
        10000
    """
    return _answered(embedder, records, lambda vectors: vectors, chunk, hashed=hashed)


def _bounded(chunk: int, k: int) -> int:
    """Make chunks smaller where k is so large that their neighbours would fill the memory."""
    return max(1, min(chunk, NEIGHBOURS_AT_ONCE // k))


def _answered(
    embedder: Embedder,
    records: Iterable[Record],
    answer: Callable[[Floats], T],
    chunk: int,
    *,
    hashed: bool = False,
) -> Generator[tuple[Decoded, T], None, None]:
    """Decode in some threads, embed and answer in another; the caller's makes rows meanwhile."""

    def answered(part: Decoded) -> tuple[Decoded, T]:
        return part, answer(embedder.embed(part.images))

    parts = decode_stream(records, embedder, size=chunk, seconds=_SECONDS, hashed=hashed)
    with closing(parts), closing(ahead(answered, parts, threads=1, waiting=1)) as answers:
        yield from answers
