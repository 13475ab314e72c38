"""The options `--ray` and `--shards` of `build`, `check` and `embed`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from likewise.commands.console import note

if TYPE_CHECKING:
    from embedder.data.records import Records
    from index.address import Place
    from likewise.bulk.ray import Cluster
    from likewise.bulk.shard import Shard

F = TypeVar("F", bound=Callable[..., Any])
_MOST = 100_000

_ray_option = click.option(
    "--ray",
    metavar="ADDRESS",
    help="Let a Ray cluster do the work, HOST:PORT, of which this machine is a node. `auto` joins "
    "the one that `ray start` made on this machine, or starts one for this command. Trusted "
    "networks only: whoever reaches a cluster can run programs on its nodes.",
)
_shards_option = click.option(
    "--shards",
    type=click.IntRange(1, _MOST),
    metavar="N",
    help="Divide the input into N shards for --ray.  [default: a few for each task at a time]",
)


def ray_options(command: F) -> F:
    """Add --ray and --shards."""
    return _ray_option(_shards_option(command))


def refuse_other_division(ray: str | None, shards: int | None, shard: Shard | None) -> None:
    """Refuse options that do not go together.

    Args:
        ray: Value of --ray.
        shards: Value of --shards.
        shard: Value of --shard.
    """
    if ray is not None and shard is not None:
        raise click.UsageError("Use --ray or --shard, not both: --ray does all shards.")
    if shards is not None and ray is None:
        raise click.UsageError("--shards needs --ray: it says into how many parts Ray's work goes.")


def require_no_password(gallery: Place | None) -> None:
    """Refuse a password that a cluster would keep with the command that joined it.

    Args:
        gallery: The gallery.
    """
    from index.address import Address

    if isinstance(gallery, Address) and gallery.secrets():
        raise click.ClickException(
            f"The address {gallery} holds a password, which everybody who may ask the Ray cluster "
            "for its jobs would see: put it into ~/.pgpass on every node."
        )


@contextmanager
def cluster_for(
    ray: str | None, shards: int | None, records: Records, gallery: Place | None
) -> Iterator[Cluster | None]:
    """Join a cluster where one is asked for; warn of different processors at the end.

    Args:
        ray: Value of --ray.
        shards: Value of --shards.
        records: The pictures.
        gallery: The gallery.

    Yields:
        The cluster, or None.
    """
    if ray is None:
        yield None
        return
    from likewise.bulk.ray import joined
    from likewise.bulk.shard import require_local

    require_no_password(gallery)
    if gallery is not None:
        require_local(gallery)
    total = records.count()
    if shards is not None and total is None:
        raise click.UsageError(
            "--shards needs an input whose pictures can be counted beforehand: leave it out."
        )
    with joined(ray, total, shards) as cluster:
        note(cluster.description)
        yield cluster
        if len(cluster.makers) > 1:
            note(
                "Warning: the shards were made by different processors or versions, so that "
                f"distances may differ in their last digits: {'; '.join(cluster.makers)}."
            )
