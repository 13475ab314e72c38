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
from index.address import Place
from likewise.bulk.maker import maker
from likewise.errors import LikewiseError
from likewise.output.rows import json_line
from likewise.output.writers import replacing

MOST = 1000  # shards: `merge` opens all parts at once
AUTO = "auto"
_TASK, _INDEX = "SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"
_ARRAY = ("SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_COUNT")
_NUMBER = re.compile(r"[0-9]+")


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

        `auto` takes the number from a job array of Slurm that counts from 1, or from an indexed job
        of Kubernetes, which counts from 0 and does not say how many there are.

        Args:
            text: What the user typed.
            variables: The environment.

        Raises:
            ShardError: If it is none of these, or the numbers are out of range.
        """
        wanted, slash, count = text.partition("/")
        number = wanted
        if wanted == AUTO:
            number = _number(variables)
            count = count if slash else _count(variables)
        if not (_NUMBER.fullmatch(number) and _NUMBER.fullmatch(count)):
            raise ShardError(f"A shard is I/N, as in 1/4, or auto, or auto/N. Received: {text!r}.")
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

    def settings(self) -> dict[str, Any]:
        """What a part says of its making."""
        return {"shard": str(self), "made_by": maker()}

    def share(self, total: int) -> int:
        """Number of pictures of this shard, of `total` pictures."""
        return max(0, total - self.number + self.count) // self.count


class Taken(Iterable[Record]):
    """The pictures of a shard; the others are passed over without being read.

    Args:
        shard: Which.
        records: All pictures.

    Attributes:
        end: After the last picture: how many there are in all, and a digest of all ids
            and labels. Parts of one input agree in it.
    """

    def __init__(self, shard: Shard, records: Iterable[Record]) -> None:
        self._shard, self._records = shard, records
        self.end: dict[str, Any] = {}

    def __iter__(self) -> Iterator[Record]:
        digest, total = hashlib.sha256(), 0
        for record in self._records:
            digest.update(f"{record.id}\0{record.label or ''}\0".encode())
            if total % self._shard.count == self._shard.number - 1:
                yield record
            total += 1
        self.end = {"pictures": total, "ids": digest.hexdigest()}


def require_local(gallery: Place) -> None:
    """Refuse a gallery that many machines would read where SQLite's locks do not hold.

    Args:
        gallery: Where it is.

    Raises:
        ShardError: If it lies on a network disk that can be written to.
    """
    from index.storage.network import network_disk  # not for what is alone

    if isinstance(gallery, Path) and (kind := network_disk(gallery)):
        raise ShardError(
            f"{gallery} lies on a network disk ({kind}), where SQLite cannot lock its files. Copy "
            "it to a disk of each machine with likewise backup, or mount it read-only."
        )


def write_part(path: Path, blocks: Iterable[bytes], taken: Taken) -> None:
    """Write a part, whole or not at all.

    Args:
        path: The part.
        blocks: Its settings and rows, as they are written.
        taken: The pictures, which have all been read once the blocks end.
    """
    digest = hashlib.sha256()
    with replacing(path) as stream:
        for block in blocks:
            digest.update(block)
            stream.write(block)
        stream.write(json_line({**taken.end, "sha256": digest.hexdigest()}))


def parts_of(output: Path) -> dict[Shard, Path]:
    """Find the parts of an output file that are there.

    Args:
        output: The whole file.
    """
    name = re.compile(re.escape(output.name) + r"\.part-(\d+)-of-(\d+)")
    found = ((name.fullmatch(path.name), path) for path in output.parent.iterdir())
    parts = {Shard(int(m[1]), int(m[2])): path for m, path in found if m}
    return dict(sorted(parts.items(), key=lambda part: (part[0].count, part[0].number)))


def _number(variables: Mapping[str, str]) -> str:
    """Number of the shard, from 1."""
    for name, first in ((_TASK, 1), (_INDEX, 0)):
        if value := variables.get(name):
            if not _NUMBER.fullmatch(value):
                raise ShardError(f"{name} is no number: {value!r}. Name the shard, as in 1/4.")
            return str(int(value) + 1 - first)
    raise ShardError(
        f"--shard {AUTO} needs {_TASK} (a job array of Slurm) or {_INDEX} (an indexed job of "
        "Kubernetes), and neither is set: name the shard, as in --shard 1/4."
    )


def _count(variables: Mapping[str, str]) -> str:
    """How many shards there are, where the job says so."""
    first, last, count = (variables.get(name, "") for name in _ARRAY)
    if first == "1" and last == count != "":
        return count
    raise ShardError(
        f"The job does not say of how many shards this is one (a whole array of Slurm does, that "
        f"counts from 1): name them, as in --shard {AUTO}/16."
    )
