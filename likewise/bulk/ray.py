"""The parts of an input as tasks of Ray: a cluster joined or started, tasks sent and awaited.

Ray is an extra, imported when it is asked for. It starts a lost task again on another node; what
has returned is here, and needs no disk that machines share.
"""

from __future__ import annotations

import logging
import os
import socket
import tempfile
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from embedder.data.records import Record
from embedder.text import counted
from likewise.bulk.division import divided
from likewise.bulk.elsewhere import Answer, ElsewhereError, Work, done
from likewise.errors import LikewiseError

AUTO = "auto"
_MOST_PROCESSORS = 4  # of a task: each holds the vectors once, so fewer tasks take less memory
_MOST_PICTURES, _FEWEST_PICTURES, _PICTURES = 4096, 64, 1024  # of a shard; the last if not counted
_SHARDS_EACH = 4  # for each task at a time, so that the slowest does not hold up the rest
_AHEAD = 2  # shards sent for each task at a time
_LOST = 4  # times that a shard is sent again
_SECONDS = 10.0  # after which the nodes are counted again while nothing returns
_REACHED = 5.0  # seconds within which an address answers
_TRIES = 2  # of Ray's, each about 40 s, at an address that answers but is no cluster

T = TypeVar("T")


class ClusterError(LikewiseError):
    """There is no Ray, no cluster, or the cluster lost the work."""


def ray() -> Any:
    """The library.

    Raises:
        ClusterError: If it is not installed.
    """
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", str(_TRIES))  # read when it is imported
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or it warns of its future
    try:
        return import_module("ray")
    except ImportError as error:
        raise ClusterError(
            "--ray needs Ray, which is not installed: pip install 'likewise[ray]'"
        ) from error


@contextmanager
def joined(address: str, total: int | None, shards: int | None = None) -> Iterator[Cluster]:
    """Join a cluster, and leave it at the end.

    Args:
        address: `HOST:PORT` of a cluster that this machine is a node of; or `auto`: RAY_ADDRESS,
            the one that `ray start` made on this machine, or else one that is started on it and
            ends with this process.
        total: Number of pictures, None where that is not known.
        shards: Number of shards that they are divided into; None for a few times as many as tasks
            run at a time.

    Yields:
        The cluster.

    Raises:
        ClusterError: If there is no Ray, or no cluster at the address.
    """
    library = ray()
    try:
        found = connect(library, address)
        yield Cluster(library, found, total, shards)
    finally:
        library.shutdown()


class Cluster:
    """A cluster of Ray that does work on the parts of an input.

    Attributes:
        description: A sentence: which cluster, with how many nodes and processors.
        at_once: Tasks that run at a time.
        size: Pictures of a shard, at most.
        makers: Processors and versions of the machines that have answered, each once.

    Args:
        library: Ray, connected.
        found: Begins the description.
        total: As for `joined`.
        shards: As for `joined`.
    """

    def __init__(self, library: Any, found: str, total: int | None, shards: int | None) -> None:
        self._ray = library
        nodes = processors_of(library)
        processors = counted(sum(nodes), "processor")
        self.description = f"{found}, {counted(len(nodes), 'node')} with {processors}."
        self.makers: list[str] = []
        self._each = min([_MOST_PROCESSORS, *nodes])
        self.at_once = max(1, sum(count // self._each for count in nodes))
        self.size = _size(total, shards, self.at_once)
        # Its name is all that Ray's logs and lists say of a task.
        options = {"num_cpus": self._each, "max_retries": _LOST, "name": "likewise"}
        self._task = library.remote(**options)(done)

    def results(self, work: Work[T], records: Iterable[Record]) -> Generator[T, None, None]:
        """Give the result of each part in the order of the input, a few parts ahead.

        Args:
            work: What to do with each part.
            records: All records.

        Raises:
            ElsewhereError: If the work failed where it was done.
            ClusterError: If a part was lost too often, or no node is left.
        """
        shared = self._ray.put(work)
        sent: deque[Any] = deque()
        for part in divided(records, self.size):
            sent.append(self._task.remote(shared, part))
            if len(sent) > _AHEAD * self.at_once:
                yield self._result(sent.popleft())
        while sent:
            yield self._result(sent.popleft())

    def _result(self, reference: Any) -> Any:
        answer: Answer[Any] = self._awaited(reference)
        if answer.failure:
            raise ElsewhereError(f"On {answer.machine}: {answer.failure}")
        if answer.made_by not in self.makers:
            self.makers.append(answer.made_by)
        return answer.result

    def _awaited(self, reference: Any) -> Any:
        while not self._ray.wait([reference], timeout=_SECONDS)[0]:
            if not any(count >= self._each for count in processors_of(self._ray)):
                raise ClusterError(
                    f"No node of the cluster has {counted(self._each, 'processor')} any more: "
                    "start one."
                )
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            raise ClusterError(
                f"The cluster lost a shard ({type(error).__name__}), though one whose node or "
                f"process ends is sent again {_LOST} times: look whether this version of likewise "
                "is on every node, and its memory is enough."
            ) from error


def connect(library: Any, address: str) -> str:
    """Join or start a cluster.

    Args:
        library: Ray.
        address: As for `joined`.

    Returns:
        The beginning of a sentence that says which.

    Raises:
        ClusterError: If there is none at the address.
    """
    quiet = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    logging.getLogger("ray").setLevel(logging.CRITICAL)  # errors come as exceptions
    wanted: str | None = os.environ.get("RAY_ADDRESS", AUTO) if address == AUTO else address
    if wanted == AUTO:
        # Ray's own `auto` also joins what another command started for itself alone.
        if not _has_recorded():
            library.init(address="local", include_dashboard=False, **quiet)
            return "Ray: no cluster runs on this machine, so one was started until the end"
        wanted = None  # the recorded one, with the token that is there
    else:
        _require_reachable(str(wanted))
    try:
        context = library.init(address=wanted, **quiet)
    except Exception as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise ClusterError(
            f"The Ray cluster {f'at {wanted}' if wanted else 'of this machine'} cannot be joined: "
            f"{reason}. If it asks for a token, set RAY_AUTH_MODE=token."
        ) from error
    return f"Ray: joined the cluster at {context.address_info['gcs_address']}"


def _has_recorded() -> bool:
    """Whether the cluster answers that `ray start` made last on this machine."""
    folder = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    try:
        _require_reachable(Path(folder, "ray", "ray_current_cluster").read_text().strip())
    except (OSError, ClusterError):
        return False
    return True


def _require_reachable(address: str) -> None:
    """Find out at once what Ray finds out after minutes."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal() and "/" not in host):
        raise ClusterError(
            f"A Ray cluster is {AUTO} or HOST:PORT, as `ray start` shows it. Received: {address!r}."
        )
    try:
        socket.create_connection((host, int(port)), _REACHED).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(
            f"No Ray cluster answers at {address} ({getattr(error, 'strerror', None) or error}): "
            f"start one with `ray start --head`, or use --ray {AUTO}."
        ) from error


def processors_of(library: Any) -> list[int]:
    """Processors of each living node that has any.

    Args:
        library: Ray, connected.
    """
    counts = (int(node["Resources"].get("CPU", 0)) for node in library.nodes() if node["Alive"])
    return [count for count in counts if count]


def _size(total: int | None, shards: int | None, at_once: int) -> int:
    """Pictures of a shard."""
    if total is None:
        return _PICTURES
    if shards is not None:
        return max(1, -(-total // shards))
    even = -(-total // (_SHARDS_EACH * at_once))
    return min(_MOST_PICTURES, max(_FEWEST_PICTURES, even))
