"""The options `--ray`, `--shards` and `--parts`: work, or references, on the nodes of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from likewise.commands.console import note

if TYPE_CHECKING:
    from embedder.data.records import Records
    from index.address import Place
    from index.gallery import Gallery
    from likewise.bulk.ray import Cluster
    from likewise.bulk.shard import Shard

F = TypeVar("F", bound=Callable[..., Any])
_MOST, _MOST_PARTS = 100_000, 1000

_CLUSTER = (
    "HOST:PORT, of which this machine is a node. `auto` joins the one that `ray start` made on "
    "this machine, or starts one for this command. Trusted networks only: whoever reaches a "
    "cluster can run programs on its nodes."
)
_ray_option = click.option(
    "--ray", metavar="ADDRESS", help=f"Let a Ray cluster do the work, {_CLUSTER}"
)
_holding_option = click.option(
    "--ray", metavar="ADDRESS", help=f"The Ray cluster that holds the references, {_CLUSTER}"
)
_shards_option = click.option(
    "--shards",
    type=click.IntRange(1, _MOST),
    metavar="N",
    help="Divide the input into N shards for --ray.  [default: a few for each task at a time]",
)
_parts_option = click.option(
    "--parts",
    type=click.IntRange(1, _MOST_PARTS),
    metavar="N",
    help="Hold the references in N processes of the --ray cluster, a part in each, instead of in "
    "this one: for galleries larger than any machine. Answers stay the same to the bit.",
)


def ray_options(command: F) -> F:
    """Add --ray and --shards."""
    return _ray_option(_shards_option(command))


def parts_option(command: F) -> F:
    """Add --parts, beside --ray."""
    return _parts_option(command)


def holding_options(command: F) -> F:
    """Add --ray and --parts."""
    return _holding_option(_parts_option(command))


def refuse_other_division(
    ray: str | None, shards: int | None, shard: Shard | None, parts: int | None = None
) -> None:
    """Refuse options that do not go together.

    Args:
        ray: Value of --ray.
        shards: Value of --shards.
        shard: Value of --shard.
        parts: Value of --parts.
    """
    if parts is not None and not (shards is None and shard is None):
        raise click.UsageError(
            "Use --parts alone: each part has some of the references, each shard some of the "
            "pictures."
        )
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


def require_holding(ray: str | None, parts: int | None) -> None:
    """Refuse --parts without --ray, or --ray without --parts where it does nothing else.

    Args:
        ray: Value of --ray.
        parts: Value of --parts.
    """
    if (ray is None) != (parts is None):
        raise click.UsageError(
            "Use --ray and --parts together: --ray says which cluster holds the references, "
            "--parts in how many processes."
        )


def spread_references(gallery: Gallery, ray: str | None, parts: int | None) -> None:
    """Put the references of an open gallery on a cluster where that is asked for.

    Args:
        gallery: The gallery, which leaves the cluster when it is closed.
        ray: Value of --ray.
        parts: Value of --parts.
    """
    if ray is None or parts is None:
        return
    from likewise.bulk.shard import require_local
    from likewise.spread.actors import spread_over

    require_no_password(gallery.place)
    require_local(gallery.place)
    spread_over(ray, gallery, parts, tell=note)
    if gallery.search_setting.recall is not None:
        note("Search in parts is exact: the approximate search of this gallery is not used.")
