"""Pictures in cloud storage, by addresses such as `s3://bucket/scans/1.png`.

fsspec reads S3, Google's and Azure's storage, and others for which a driver is installed; it is an
extra and imported when such an address is named. Credentials and endpoints are the driver's own.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from embedder.data.records import Encoded, EncodedBytes, Record
from embedder.errors import DatasetError, ImageError
from likewise.errors import LikewiseError

_ADDRESS = re.compile(r"(?!postgres)[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_TOGETHER = 16  # pictures that are fetched at the same time
# Of one picture; what is forbidden may be all of them, where credentials are wrong or expire.
_OF_ONE = (FileNotFoundError, IsADirectoryError)
FULL = (errno.ENOSPC, errno.EDQUOT)  # a disk, here


class UnknownStorageError(DatasetError):
    """An address is of a kind of storage that nobody reads."""


def is_cloud(name: str) -> bool:
    """Whether a name is an address in cloud storage, and not a path.

    Example:
        >>> is_cloud("s3://bucket/scans"), is_cloud("scans/7.png"), is_cloud("postgresql://db/x#y")
        (True, False, False)
    """
    return _ADDRESS.match(name) is not None


def file_system(address: str) -> tuple[Any, str]:
    """Open the storage of an address.

    Args:
        address: For example `s3://bucket/scans/`.

    Returns:
        A file system of fsspec, and the path in it, without a slash at its end.

    Raises:
        UnknownStorageError: If there is no such kind of storage.
        DatasetError: If fsspec or the storage's driver is not installed.
    """
    with naming(address):
        try:
            from fsspec import get_filesystem_class
        except ImportError as error:
            raise DatasetError(
                f"{address} is an address in cloud storage, which needs fsspec and a driver: pip "
                "install 'likewise[cloud]' for s3://, and gcsfs or adlfs beside it for gs:// or "
                "az://."
            ) from error
        kind, colon, rest = address.partition("://")
        spelled = f"{kind.lower()}{colon}{rest}"
        try:
            storage = get_filesystem_class(kind.lower())
        except ValueError as error:  # fsspec names the kind
            raise UnknownStorageError(
                f"{address} is not in storage that can be read: {error}."
            ) from error
        system = storage(**storage._get_kwargs_from_urls(spelled))
        system.invalidate_cache()  # others may have written since
        return system, str(storage._strip_protocol(spelled)).rstrip("/")


@contextmanager
def naming(address: str) -> Iterator[None]:
    """Turn any error of a driver into one that names the address.

    Args:
        address: What was to be read or written.

    Raises:
        DatasetError: In place of every other exception.
    """
    try:
        yield
    except (DatasetError, ImageError):
        raise
    except FileNotFoundError as error:
        raise DatasetError(f"There is nothing at {address}: check the address.") from error
    except ImportError as error:  # fsspec names the package
        raise DatasetError(f"{address} needs a driver that is not installed: {error}.") from error
    except Exception as error:  # drivers share no base class
        if isinstance(error, OSError) and error.errno in FULL:
            import tempfile  # 3 ms, which a query need not pay for

            raise DatasetError(
                f"The temporary folder {tempfile.gettempdir()} has no room for {address}: free "
                "some, or set TMPDIR to another folder."
            ) from error
        text = " ".join(str(error).split()).rstrip(".") or "no reason given"
        raise DatasetError(
            f"Cannot reach {address} ({type(error).__name__}: {text}): check the address, the "
            "credentials and the network."
        ) from error


@contextmanager
def renaming(folder: Path, address: str) -> Iterator[None]:
    """Name files by their address in errors on copies of them.

    Args:
        folder: Where the copies lie.
        address: Address of the folder where the files themselves lie.
    """
    try:
        yield
    except LikewiseError as error:
        names = (f"{folder}/", f"{address}/")
        error.args = tuple(a.replace(*names) if isinstance(a, str) else a for a in error.args)
        raise


def picture_at(name: str) -> Path | Encoded | ImageError:
    """A picture file by its path or its address; it is not read yet.

    Args:
        name: What a user or a list calls it.

    Returns:
        The file; the reason why there is none, for an address in no known kind of storage.

    Raises:
        DatasetError: If the storage needs a driver that is not installed.
    """
    if not is_cloud(name):
        return Path(name)
    try:
        system, path = file_system(name)
    except UnknownStorageError:
        return ImageError("not in storage that can be read")
    return CloudPicture(system, path)


@dataclass(frozen=True, slots=True)
class CloudPicture:
    """A picture file in cloud storage.

    Attributes:
        system: A file system of fsspec.
        path: Its path there.
    """

    system: Any
    path: str

    def read_bytes(self) -> bytes:
        """Fetch the file.

        Raises:
            ImageError: If there is none.
            DatasetError: If the storage cannot be reached, or must not be read.
        """
        [file] = _fetch([self])
        if isinstance(file, ImageError):
            raise file
        return file.content


def fetched(records: Sequence[Record]) -> Iterable[Record]:
    """Fetch the pictures of records that are in cloud storage, some at the same time.

    Args:
        records: Other records pass through.

    Raises:
        DatasetError: While iterating, if the storage cannot be reached.
    """
    if not any(isinstance(record.image, CloudPicture) for record in records):
        return records
    return _fetched(iter(records))


def _fetched(records: Iterator[Record]) -> Iterator[Record]:
    while group := list(islice(records, _TOGETHER)):
        asked = [record.image for record in group if isinstance(record.image, CloudPicture)]
        answers = iter(_fetch(asked))
        for record in group:
            is_asked = isinstance(record.image, CloudPicture)
            yield replace(record, image=next(answers)) if is_asked else record


def _fetch(pictures: Sequence[CloudPicture]) -> list[EncodedBytes | ImageError]:
    """Fetch pictures at the same time; each storage by itself."""
    files: dict[CloudPicture, EncodedBytes | ImageError] = {}
    for system in {id(picture.system): picture.system for picture in pictures}.values():
        ours = list(dict.fromkeys(picture for picture in pictures if picture.system is system))
        with naming(system.unstrip_protocol(ours[0].path)):
            paths = [picture.path for picture in ours]
            found = system.cat_ranges(paths, None, None, on_error="return")
        files |= dict(zip(ours, map(_answer, ours, found), strict=True))
    return [files[picture] for picture in pictures]


def _answer(picture: CloudPicture, found: bytes | Exception) -> EncodedBytes | ImageError:
    if isinstance(found, bytes):
        return EncodedBytes(found)
    if isinstance(found, _OF_ONE):
        return ImageError("not found in its storage")
    with naming(picture.system.unstrip_protocol(picture.path)):
        raise found
