"""Errors of a gallery; invalid arguments raise a plain ValueError instead."""

from likewise.errors import LikewiseError


class GalleryError(LikewiseError):
    """Base of every error about a gallery; its text is one sentence for a person."""


class StoreError(GalleryError):
    """A gallery's file is missing, altered, unreadable or locked; the text names the file."""


class ReadOnlyError(StoreError):
    """The gallery cannot be changed: its files are read-only for this user."""


class BusyError(StoreError):
    """Another process kept changing the gallery until the timeout."""


class UnreachableError(StoreError):
    """The database of a gallery cannot be reached, or the connection to it was lost."""


class UnfitError(StoreError):
    """The database of a gallery cannot store a text: it holds a NUL, or is too long."""


class PartMissingError(StoreError):
    """A part of the references that other processes hold is not there now."""


class FullDiskError(StoreError):
    """The gallery cannot be changed: its disk is full."""


class OlderStateError(StoreError):
    """The references are older than the last acknowledged change; `recovery` accepts that."""


class ReplacedError(StoreError):
    """The gallery was moved, removed or replaced while it was open; opening it again may help."""


class FingerprintError(GalleryError):
    """The gallery's vectors were made by another embedder."""


class ReferenceNotFoundError(GalleryError, KeyError):
    """No reference has this id."""

    # KeyError would print the repr of the message.
    __str__ = Exception.__str__


class NoGroupsError(GalleryError):
    """No reference of a gallery has a label, so nothing can be decided."""


class EmptyGalleryError(GalleryError):
    """A gallery without references cannot answer."""


def no_groups(path: object, count: int) -> NoGroupsError:
    """The refusal to decide by references without labels.

    Args:
        path: The gallery's directory or address.
        count: Its number of references, >= 1.
    """
    return NoGroupsError(
        f"Gallery '{path}' has no groups to decide between, because none of its "
        f"{count} references has a label. Ask for the nearest references: likewise query {path} "
        f"PICTURES. Or give references labels: likewise add {path} DATA --on-conflict replace"
    )


def inside_snapshot(path: object, done: str) -> GalleryError:
    """The refusal to wait for writers while holding a snapshot.

    Args:
        path: The gallery's directory or address.
        done: What was to be done to it, such as 'changed'.
    """
    return GalleryError(
        f"Gallery '{path}' cannot be {done} inside a snapshot of it: leave the snapshot first."
    )
