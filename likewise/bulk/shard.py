"""One of N equal parts of an input, for a command that runs on many machines.

Shard I of N is every N-th picture from the I-th on. So the parts are equally long wherever the
input ends, and no machine needs to know its length.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedder.data.records import Record
from likewise.errors import LikewiseError

MOST = 1000  # shards: `merge` opens all parts at once
AUTO = "auto"
_SLURM = ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_COUNT")
_KUBERNETES = "JOB_COMPLETION_INDEX"


class ShardError(LikewiseError):
    """A shard is named wrongly, or its number stands nowhere."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Which part of an input.

    Attributes:
        number: From 1 to `count`.
        count: Number of shards, from 1 to `MOST`.

    Example:
        >>> shard = Shard.named("2/4")
        >>> shard.share(10), shard.part(Path("rows.csv")).name
        (3, 'rows.csv.part-2-of-4')
    """

    number: int
    count: int

    @classmethod
    def named(cls, text: str, variables: Mapping[str, str] = os.environ) -> Shard:
        """Read `I/N`, `auto/N` or `auto`.

        `auto` takes the number from Slurm's variables of a job array, or from that of an indexed
        job of Kubernetes, which does not say how many there are.

        Args:
            text: What the user typed.
            variables: The environment.

        Raises:
            ShardError: If it is none of these, or the numbers are out of range.
        """
        wanted, _, total = text.partition("/")
        if wanted == AUTO:
            number, known = _number(variables)
            count = total or known
            if not count:
                raise ShardError(
                    f"{_KUBERNETES} says which shard this is, but not of how many: name them, as "
                    "in --shard auto/8."
                )
        else:
            number, count = wanted, total
        if not (_is_number(number) and _is_number(count)):
            raise ShardError(f"A shard is I/N, as in 1/4, or {AUTO}. Received: {text!r}.")
        if not 1 <= int(number) <= int(count) <= MOST:
            raise ShardError(
                f"Shards count from 1 to N, and N is at most {MOST}. Received: {number}/{count}."
            )
        return cls(int(number), int(count))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def part(self, output: Path) -> Path:
        """Path of this shard's part of an output file."""
        return output.with_name(f"{output.name}.part-{self.number}-of-{self.count}")

    def share(self, total: int) -> int:
        """Number of pictures of this shard, of `total` pictures."""
        return max(0, total - self.number + self.count) // self.count


class Taken(Iterable[Record]):
    """The pictures of a shard; the others are passed over without being read.

    Args:
        shard: Which.
        records: All pictures.

    Attributes:
        end: After the last picture: how many there are in all, and a digest of all ids. Parts of
            one input agree in it.
    """

    def __init__(self, shard: Shard, records: Iterable[Record]) -> None:
        self._shard, self._records = shard, records
        self.end: dict[str, Any] = {}

    def __iter__(self) -> Iterator[Record]:
        digest, total = hashlib.sha256(), 0
        for record in self._records:
            digest.update(record.id.encode() + b"\0")
            if total % self._shard.count == self._shard.number - 1:
                yield record
            total += 1
        self.end = {"pictures": total, "ids": digest.hexdigest()}


def part_of(output: Path) -> dict[Shard, Path]:
    """Find the parts of an output file that are there.

    Args:
        output: The whole file.
    """
    name = re.compile(re.escape(output.name) + r"\.part-(\d+)-of-(\d+)")
    found = ((name.fullmatch(path.name), path) for path in output.parent.iterdir())
    parts = {Shard(int(m[1]), int(m[2])): path for m, path in found if m}
    return dict(sorted(parts.items(), key=lambda part: (part[0].count, part[0].number)))


def _number(variables: Mapping[str, str]) -> tuple[str, str]:
    """Number of the shard, from 1, and how many there are, or nothing."""
    task, first, count = (variables.get(name, "") for name in _SLURM)
    if _is_number(task) and _is_number(first):
        return str(int(task) - int(first) + 1), count
    if _is_number(index := variables.get(_KUBERNETES, "")):
        return str(int(index) + 1), ""
    raise ShardError(
        f"--shard {AUTO} needs {_SLURM[0]} (a job array of Slurm) or {_KUBERNETES} (an indexed job "
        "of Kubernetes), and neither is set: name the shard, as in --shard 1/4."
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10
