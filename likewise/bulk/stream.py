"""Check or query a stream of pictures: one row each, in order, in constant memory.

    records ─chunks─▶ decode │ embed ─▶ Gallery.decide │ rows

Each of the three stages has threads of its own and runs a chunk ahead of the next. Making rows and
reading small pictures hold Python's lock; the network, FAISS and the decoders of large pictures
release it. Does not write rows (`output`, `journal`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

from embedder.data.records import Record, Records
from embedder.model import Embedder
from index.decision import CheckOptions, Decision, Rule
from index.neighbours import Neighbours
from likewise.arrays import Floats
from likewise.decoding import Decoded, decode_stream
from likewise.errors import LikewiseError
from likewise.matcher import Matcher
from likewise.output.rows import (
    NEIGHBOURS_AT_ONCE,
    Row,
    decision_row,
    error_row,
    query_error_row,
    query_row,
    remarked,
)
from likewise.parallel import ahead

if TYPE_CHECKING:
    from likewise.pictures import Pictures

CHUNK = 2048  # pictures searched together
_SECONDS = 0.5  # seconds after which an incomplete chunk is processed

T = TypeVar("T")


class MatcherError(LikewiseError, TypeError):
    """Something else came where an open gallery is expected."""


def check_stream(
    matcher: Matcher,
    pictures: Pictures,
    options: CheckOptions = CheckOptions(),
    *,
    rule: Rule | None = None,
    chunk: int = CHUNK,
) -> Generator[Row, None, None]:
    """Check each picture of a stream, of any length.

    A row depends only on its picture and the gallery, so a resumed job gives the same rows. The
    rule is resolved once: a changed operating point applies from the next stream on.

    Args:
        matcher: Embedder and gallery, as `likewise.open` gives them.
        pictures: A stream of paths, uint8 arrays, Pillow images and records, as for
            `Matcher.check`, or `likewise.records`; labels are ignored.
        options: As for `Matcher.check`.
        rule: The resolved rule of the options, if the caller has it.
        chunk: Pictures that are embedded and searched together.

    Returns:
        One row per picture, in order, as `likewise.output.rows` describes it. A picture that
        cannot be read is a row with the decision `error`.

    Raises:
        MatcherError: If a path came in place of an open gallery.
        PicturesError: If something else was passed as a picture; of a stream, while iterating.
        EmptyGalleryError: If there are no references.
        NoGroupsError: If none of them has a label.
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
    require_matcher(matcher)
    gallery = matcher.gallery
    chunk = _bounded(chunk, gallery.neighbours_of(options.k))
    gallery.require_groups()
    resolved = gallery.points.rule(options) if rule is None else rule

    def decide(vectors: Floats) -> list[Decision]:
        with gallery.snapshot():  # or it might be smaller than k once it is asked
            return gallery.decide(vectors, gallery.neighbours_of(options.k), resolved)

    gallery.warm(ahead=True)
    parts = _answered(matcher.embedder, _named(pictures), decide, chunk)
    return _decision_rows(parts, resolved.limits.threshold)


def _decision_rows(
    parts: Iterable[tuple[Decoded, list[Decision]]], threshold: float
) -> Generator[Row, None, None]:
    for part, answers in parts:
        decisions = iter(answers)
        for place, record in enumerate(part.records):
            if place in part.reasons:
                yield error_row(record.id, part.reasons[place], threshold)
            else:
                row = decision_row(record.id, next(decisions))
                yield remarked(row, part.remarks.get(place))


def query_stream(
    matcher: Matcher,
    pictures: Pictures,
    options: CheckOptions = CheckOptions(),
    *,
    chunk: int = CHUNK,
) -> Generator[Row, None, None]:
    """Find the k nearest references of each picture of a stream.

    Args:
        matcher: Embedder and gallery.
        pictures: As for `check_stream`.
        options: `k`, of which a smaller gallery has fewer, and `evidence` of the point `at`;
            nothing is decided, so the others are ignored.
        chunk: Pictures that are embedded and searched together.

    Returns:
        One row per picture, in order; a picture that cannot be read has a reason and no neighbours.

    Raises:
        LikewiseError: As `check_stream`, but references without labels are enough.
    """
    require_matcher(matcher)
    gallery = matcher.gallery
    chunk = _bounded(chunk, gallery.neighbours_of(options.k))
    evidence = gallery.points.evidence(options.at) if options.evidence else None

    def search(vectors: Floats) -> tuple[Neighbours, list[float | None]]:
        with gallery.snapshot():
            nearest = gallery.search(vectors, gallery.neighbours_of(options.k))
        if evidence is None:
            return nearest, [None] * len(nearest)
        return nearest, evidence.p_values(nearest.distances[:, 0]).tolist()

    gallery.warm(ahead=True)
    return _query_rows(_answered(matcher.embedder, _named(pictures), search, chunk))


def _query_rows(
    parts: Iterable[tuple[Decoded, tuple[Neighbours, list[float | None]]]],
) -> Generator[Row, None, None]:
    for part, (nearest, p_values) in parts:
        queries = iter(range(len(nearest)))
        for place, record in enumerate(part.records):
            if place in part.reasons:
                yield query_error_row(record.id, part.reasons[place])
            else:
                query = next(queries)
                row = query_row(record.id, nearest[query], p_values[query])
                yield remarked(row, part.remarks.get(place))


def embed_stream(
    embedder: Embedder, records: Iterable[Record], *, hashed: bool = False, chunk: int = CHUNK
) -> Generator[tuple[Decoded, Floats], None, None]:
    """Embed the pictures of a stream while later ones are decoded.

    Args:
        embedder: Makes the vectors.
        records: The pictures.
        hashed: Whether to hash the pictures too.
        chunk: Pictures that are embedded together.

    Yields:
        Decoded records, in order, and the embeddings of the readable ones, `(m, dim)`.

    Example:
        >>> from embedder.data.sources import records
        >>> stream = embed_stream(Embedder.load(), records("mnist/test"))
        >>> sum(len(vectors) for _, vectors in stream)
        10000
    """
    return _answered(embedder, records, lambda vectors: vectors, chunk, hashed=hashed)


def _named(pictures: Pictures) -> Iterable[Record]:
    if isinstance(pictures, Records):  # as all that the commands read
        return pictures
    from likewise.pictures import record_stream

    return record_stream(pictures)


def _bounded(chunk: int, k: int) -> int:
    """Reduce the chunk size for large k, to bound the memory of neighbours."""
    return max(1, min(chunk, NEIGHBOURS_AT_ONCE // k))


def _answered(
    embedder: Embedder,
    records: Iterable[Record],
    answer: Callable[[Floats], T],
    chunk: int,
    *,
    hashed: bool = False,
) -> Generator[tuple[Decoded, T], None, None]:
    """Decode in threads, embed and search in another, while the caller makes rows."""

    def answered(part: Decoded) -> tuple[Decoded, T]:
        part, vectors = part.embedded(embedder)
        return part, answer(vectors)

    parts = decode_stream(records, embedder, size=chunk, seconds=_SECONDS, hashed=hashed)
    with closing(parts), closing(ahead(answered, parts, threads=1, waiting=1)) as answers:
        yield from answers


def require_matcher(value: object) -> None:
    """Refuse the path of a gallery where an open one is expected.

    Raises:
        MatcherError: If it is a path.

    Example:
        >>> require_matcher("digits.gallery")
        Traceback (most recent call last):
        likewise.bulk.stream.MatcherError: Expected an open gallery. Received a path: pass
        likewise.open('digits.gallery').
    """
    if isinstance(value, str | os.PathLike):
        path = os.fspath(value)
        raise MatcherError(
            f"Expected an open gallery. Received a path: pass likewise.open({path!r})."
        )
