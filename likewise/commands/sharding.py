"""The option `--shard` of `check` and `embed`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from embedder.data.records import Records
    from likewise.bulk.shard import Shard


class ShardOption(click.ParamType[Any]):
    """Part of an input: `I/N`, `auto/N` or `auto`."""

    name = "shard"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the text of the option.

        Args:
            value: The text.
            param: The option, for the error.
            ctx: The command, for the error.
        """
        from likewise.bulk.shard import Shard, ShardError

        try:
            return Shard.named(value)
        except ShardError as error:
            self.fail(str(error), param, ctx)


shard_option = click.option(
    "--shard",
    type=ShardOption(),
    metavar="I/N",
    help="Do part I of N of the input, into OUTPUT.part-I-of-N, for `likewise merge`. `auto` takes "
    "I and N from a job array of Slurm, `auto/N` takes I from an indexed job of Kubernetes.",
)


def share_of(records: Records, shard: Shard | None) -> int | None:
    """Count the pictures of a shard, or of all inputs; None where that would take long.

    Args:
        records: The pictures of all inputs.
        shard: The shard, or None for all.
    """
    count = records.count()
    return count if shard is None or count is None else shard.share(count)
