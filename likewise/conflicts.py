"""Pictures whose ids collide: refused, replaced, skipped or renamed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np

from embedder.text import counted
from index.references.rows import Reference
from likewise.arrays import Floats, Pixels
from likewise.errors import LikewiseError
from likewise.names import normal

Status = Literal["added", "replaced", "unchanged", "skipped", "renamed"]
ADDED: Status = "added"
REPLACED: Status = "replaced"
UNCHANGED: Status = "unchanged"
SKIPPED: Status = "skipped"
RENAMED: Status = "renamed"

OnConflict = Literal["error", "replace", "skip", "rename"]
_SHOWN = 3
_ADVICE = (
    "Say with --on-conflict what becomes of such pictures: replace, skip, or rename, which puts "
    "the source's name before the id."
)
_RENAMED_TOO = (
    "With the source's name before the id, as --on-conflict rename puts it, it is taken too: give "
    "such pictures other ids, or say replace or skip."
)


def require_known(on_conflict: str) -> None:
    """Refuse a word that says nothing about conflicts, whether there are any or not.

    Raises:
        ValueError: Naming the words that do.
    """
    known = get_args(OnConflict)
    if on_conflict not in known:
        raise ValueError(
            f"`on_conflict` must be one of {', '.join(known)}. Received: {on_conflict!r}."
        )


class ConflictError(LikewiseError):
    """Pictures have ids of other pictures; the text counts them and names three.

    Attributes:
        fact: The text without the advice, which is the command line's.
        renamed: Whether renaming them was asked for, and did not help.
    """

    def __init__(
        self, ids: Sequence[str], written: str = "Nothing was written.", *, renamed: bool = False
    ) -> None:
        advice = _RENAMED_TOO if renamed else _ADVICE
        shown = ", ".join(map(repr, ids[:_SHOWN]))
        more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
        have = "has the id" if len(ids) == 1 else "have ids"
        self.renamed = renamed
        self.fact = (
            f"{counted(len(ids), 'picture')} {have} of another picture or label, in the gallery or "
            f"in this input: {shown}{more}. {written}"
        )
        super().__init__(f"{self.fact} {advice}")


@dataclass(slots=True, eq=False)
class Entry:
    """A reference to enrol: a picture with its content hash, or a vector.

    Attributes:
        id: Its name.
        label: Its group, None for none.
        metadata: JSON object.
        pixels: uint8 `(*input_shape)`, as the network takes it; None for a vector.
        content: Hash of the picture; None for a vector.
        vector: `(dim,)`, float32; None for a picture until it is embedded.
        source: Where it comes from, which is put before its id to rename it.
    """

    id: str
    label: str | None
    metadata: Mapping[str, Any]
    pixels: Pixels | None = None
    content: bytes | None = None
    vector: Floats | None = None
    source: str = ""

    @property
    def other_id(self) -> str:
        """Its new id where another picture has its own."""
        return f"{self.source}/{self.id}" if self.source else self.id


@dataclass(slots=True)
class Outcome:
    """The entries to write, and the status of each.

    Attributes:
        statuses: Status of each of the n entries.
        new: The entries to be stored, by id.
    """

    statuses: list[Status] = field(default_factory=list)
    new: dict[str, Entry] = field(default_factory=dict)


def decide(
    entries: Sequence[Entry],
    stored: Mapping[str, Reference],
    on_conflict: OnConflict,
    by_metadata: bool,
) -> Outcome:
    """Decide the status of entries, each compared with the reference or entry before it.

    Args:
        entries: n of them, in order.
        stored: The references of the gallery that have their ids, or the ids they are renamed to.
        on_conflict: What becomes of an entry whose id has another content or label.
        by_metadata: Whether other metadata are to be stored too; they never conflict.

    Raises:
        ConflictError: If ids are in conflict, and that is to be an error, or renaming does not
            help.
    """
    known: dict[str, Reference | Entry] = dict(stored)
    outcome, conflicts = Outcome(), []
    for entry in entries:
        status, resolved = _resolved(entry, known, on_conflict, by_metadata)
        if status is None:
            conflicts.append(entry.id)
            continue
        outcome.statuses.append(status)
        if resolved is not None:
            known[entry.id if status != RENAMED else resolved.id] = resolved
            outcome.new[resolved.id] = resolved
    if conflicts:
        raise ConflictError(conflicts, renamed=on_conflict == "rename")
    return outcome


def _resolved(
    entry: Entry,
    known: Mapping[str, Reference | Entry],
    on_conflict: OnConflict,
    by_metadata: bool,
) -> tuple[Status | None, Entry | None]:
    """The status of an entry, None where it is refused, and what to store of it, if anything."""
    before = known.get(entry.id)
    if before is None:
        return ADDED, entry
    if is_same(entry, before):
        if not by_metadata or dict(before.metadata) == dict(entry.metadata):
            return UNCHANGED, None
        return REPLACED, replace(entry, id=before.id)
    if on_conflict == "replace":
        return REPLACED, replace(entry, id=before.id)
    if on_conflict == "skip":
        return SKIPPED, None
    if on_conflict == "rename" and entry.other_id != entry.id:
        renamed = replace(entry, id=entry.other_id)
        other = known.get(renamed.id)
        if other is None:
            return RENAMED, renamed
        return (UNCHANGED, None) if is_same(renamed, other) else (None, None)
    return None, None


def is_same(entry: Entry, known: Reference | Entry) -> bool:
    """Whether an entry has the label and the content of a reference, or of another entry.

    Args:
        entry: A picture or a vector.
        known: The reference or entry that has its id.
    """
    if normal(known.label or "") != normal(entry.label or "") or known.content != entry.content:
        return False
    same_vector = entry.content is not None or np.array_equal(
        known.vector,  # type: ignore[arg-type]
        entry.vector,  # type: ignore[arg-type]
    )
    return bool(same_vector)


def is_row(entry: Entry, other: Entry) -> bool:
    """Whether two entries are stored as one and the same row: they come from one input.

    Args:
        entry: An entry, under its own id or another.
        other: Another one.
    """
    return (
        (entry.id, entry.label) == (other.id, other.label)
        and entry.vector is other.vector
        and entry.pixels is other.pixels
        and entry.metadata is other.metadata
    )
