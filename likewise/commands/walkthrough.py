"""The demonstration on real digits and on drawings, as lines of text.

It uses only what the commands use.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from embedder.data.records import Record
from embedder.data.sources import records
from embedder.model import Embedder
from index.decision import MATCH
from likewise.bulk.stream import check_stream
from likewise.commands.neighbours import show_neighbours
from likewise.commands.non_digits import non_digits
from likewise.commands.photos_walkthrough import demonstrate_photos
from likewise.comparison import pair_threshold
from likewise.matcher import Matcher

REFERENCES, QUERIES = "mnist/train", "mnist/test"
# A plain digit, a badly written one, and one that people too argue about.
_SHOWN = ("mnist/test/00000", "mnist/test/00008", "mnist/test/00115")
_PAIRS = (("mnist/test/00000", "mnist/test/00017"), ("mnist/test/00000", "mnist/test/00002"))

Track = Callable[[Iterable[Record], int], Iterable[Record]]


@dataclass(frozen=True, slots=True)
class Terminal:
    """How wide the terminal is and whether it shows 24-bit colour."""

    columns: int
    colour: bool


def demonstrate(path: Path, terminal: Terminal, track: Track) -> Iterator[str]:
    """Build a gallery of MNIST's training digits, ask it, check the test digits; then of drawings.

    Args:
        path: The gallery; an existing one is reused.
        terminal: Where the pictures are shown.
        track: Wraps a stream of so many records in a progress bar.

    Yields:
        Lines of text, each as soon as it is known.
    """
    with _opened(path) as matcher:
        yield from _build(matcher, track)
        yield from _neighbours(matcher, terminal)
        yield from _pairs(matcher)
        yield from _bulk(matcher, track)
    yield from demonstrate_photos(terminal.columns, terminal.colour)
    yield from _further(path)


def _opened(path: Path) -> Matcher:
    return Matcher.open(path) if path.exists() else Matcher.create(path, Embedder.load())


def _build(matcher: Matcher, track: Track) -> Iterator[str]:
    yield f"Enrolling MNIST's 60000 training digits in {matcher.gallery.place} ..."
    started = time.monotonic()
    report = matcher.add(track(records(REFERENCES), 60_000))
    seconds = time.monotonic() - started
    yield f"{len(matcher.gallery)} references, {report.added} of them new, in {seconds:.1f} s."


def _neighbours(matcher: Matcher, terminal: Terminal) -> Iterator[str]:
    yield "\nThree test digits and their nearest references, with label and distance:"
    for name in _SHOWN:
        record = next(records(name))
        picture = record.pixels()
        nearest = matcher.query([picture], k=5)[0]
        yield ""
        yield from show_neighbours(
            matcher,
            picture,
            f"a {record.label}",
            nearest,
            columns=terminal.columns,
            colour=terminal.colour,
        )


def _pairs(matcher: Matcher) -> Iterator[str]:
    threshold = pair_threshold(matcher.gallery)
    yield f"\nPairs; they match up to a distance of {threshold:.4f}:"
    for first, second in _PAIRS:
        a, b = next(records(first)), next(records(second))
        apart = matcher.compare(a.pixels(), b.pixels())
        verdict = "same group" if apart <= threshold else "different groups"
        yield f"  a {a.label} and a {b.label}: distance {apart:.4f}, {verdict}"


@dataclass(slots=True)
class _Tally:
    right: int = 0
    wrong: int = 0
    none: int = 0

    def count(self, label: str | None, answer: str | None) -> None:
        if answer is None:
            self.none += 1
        elif answer == label:
            self.right += 1
        else:
            self.wrong += 1


def _bulk(matcher: Matcher, track: Track) -> Iterator[str]:
    odd = list(non_digits())
    total = 10_000 + len(odd)
    yield f"\nChecking the 10000 test digits and {len(odd)} pictures of other things ..."
    labels: list[str | None] = []

    def noted(stream: Iterable[Record]) -> Iterator[Record]:
        for record in stream:
            labels.append(record.label)
            yield record

    digits, others = _Tally(), []
    started = time.monotonic()
    stream = noted(track(chain(records(QUERIES), odd), total))
    for place, row in enumerate(check_stream(matcher, stream)):
        answer = row["label"] if row["decision"] == MATCH else None
        if labels[place] is None:
            others.append((row["id"], answer))
        else:
            digits.count(labels[place], answer)
    seconds = time.monotonic() - started
    yield f"  digits: {digits.right} right, {digits.wrong} wrong, {digits.none} without a match"
    taken = [
        f"{name.removeprefix('odd/')} as {answer}" for name, answer in others if answer is not None
    ]
    rejected = f"{len(others) - len(taken)} of {len(others)} without a match"
    yield f"  others: {rejected}{'; matched: ' if taken else ''}{', '.join(taken)}"
    yield f"  {total} pictures in {seconds:.1f} s: {total / seconds:.0f} pictures per second"


def _further(path: Path) -> Iterator[str]:
    program = _program()
    yield "\nNow try:"
    yield f"  {program} query {path} mnist/test/00042 --pictures"
    yield f"  {program} build photos.gallery YOUR_FOLDERS_OF_PICTURES"
    yield f"  {program} check {path} YOUR_FOLDER_OF_DIGITS -o rows.csv"
    yield f"  {program} info {path}"
    yield f"  {program} --help"


def _program() -> str:
    """How the reader's shell finds this command: by its path where it is in no folder of PATH."""
    started = Path(sys.argv[0])
    return (
        str(started) if started.name == "likewise" and not shutil.which("likewise") else "likewise"
    )
