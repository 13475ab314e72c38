"""What the driver raises, as one plain sentence that names the gallery and no password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from index.address import Address
from index.errors import (
    BusyError,
    FullDiskError,
    GalleryError,
    ReadOnlyError,
    ReplacedError,
    StoreError,
    UnfitError,
    UnreachableError,
)
from index.postgres.driver import psycopg

_MISSING = ("3F000", "42P01")  # schema, table
_MAY_NOT = ("42501", "25006")  # privilege, a standby or a transaction that only reads
_UNFIT = ("22021", "22P05", "54000", "22001")  # text with NUL, or a value that is too long
_FULL = ("53100",)
_LOCKED = ("55P03", "40P01")
_GONE = ("08", "57P")  # connections, shutdowns


@contextmanager
def named(address: Address, *, done: str) -> Iterator[None]:
    """Turn the driver's errors in the block into ours.

    Args:
        address: The gallery.
        done: What was being done to it, such as 'changed'.
    """
    driver = psycopg()
    try:
        yield
    except driver.Error as error:
        raise failure(address, error, done) from error


def failure(address: Address, error: Exception, done: str) -> StoreError:
    """The error to raise for one of the driver's.

    Args:
        address: The gallery.
        error: What the driver raised.
        done: What was being done to the gallery.
    """
    code, reason = getattr(error, "sqlstate", None) or "", said(address, error)
    if code in _MISSING:
        return ReplacedError(
            f"'{address}' is no longer the gallery that was opened: its tables were moved or "
            "removed. Open it again."
        )
    if code in _MAY_NOT:
        what = f"'{address}' cannot be {done} by this role or on this server: {reason}."
        return ReadOnlyError(what) if done == "changed" else StoreError(what)
    if code in _UNFIT:
        return UnfitError(
            f"PostgreSQL cannot store this: {reason}. Nothing was changed. Leave NUL out of ids "
            "and labels, and shorten long ids."
        )
    if code in _FULL:
        return FullDiskError(
            f"Cannot change '{address}': the server's disk is full. Nothing was changed; make room "
            "and try again."
        )
    if code in _LOCKED:
        return BusyError(
            f"Another process is changing '{address}' and did not finish in time: try again when "
            "it has finished."
        )
    if code.startswith(_GONE) or (not code and isinstance(error, psycopg().OperationalError)):
        kept = " Nothing was changed." if done == "changed" else ""
        return UnreachableError(
            f"The connection to '{address}' was lost: {reason}.{kept} Try again."
        )
    return StoreError(f"'{address}' cannot be {done}: {reason}.")


def unreachable(address: Address, error: Exception) -> UnreachableError:
    """The error for a server that does not let us in.

    Args:
        address: The gallery.
        error: What the driver raised.
    """
    return UnreachableError(f"Cannot connect to '{address}': {said(address, error)}.")


def missing(address: Address) -> GalleryError:
    """The error for an address without a gallery."""
    return GalleryError(
        f"There is no gallery '{address.name}' in this database, or this role may not see it: "
        f"'{address}'. Make one: likewise build {address} DATA"
    )


def said(address: Address, error: Exception) -> str:
    """What the driver says, in one line and without what is secret.

    Args:
        address: The gallery.
        error: What the driver raised.
    """
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    lines = [line for line in (primary or str(error)).splitlines() if line.strip()]
    reason = lines[0].strip().rstrip(".") if lines else type(error).__name__
    for secret in address.secrets():
        reason = reason.replace(secret, "***")
    return reason
