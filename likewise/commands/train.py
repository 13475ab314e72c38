"""`likewise train`: train a model."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from likewise.commands.console import note
from likewise.commands.options import SHARE, Number, split_option


@click.command()
@click.argument("data", default="mnist/train")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Model to write.")
@click.option(
    "--recipe",
    type=click.Choice(["default", "tutorial"]),
    default="default",
    help="Settings that the other options change.",
)
@click.option(
    "--network", type=click.Choice(["conv", "dense"]), help="Network.  [default: the recipe's]"
)
@click.option("--epochs", type=click.IntRange(min=1), help="Maximum number of epochs.")
@click.option("--batch", type=click.IntRange(min=2), help="Pairs or images in a step.")
@click.option(
    "--margin",
    type=Number(0, 10, min_open=True),
    help="Margin of the contrastive loss, 0 to 10.",
)
@click.option(
    "--learning-rate", type=Number(0, 1, min_open=True), help="Learning rate of the optimizer."
)
@click.option("--seed", type=click.IntRange(min=0), help="Same seed, same model.")
@click.option(
    "--validation",
    type=SHARE,
    help="Share of the pictures to stop and to measure the threshold by.",
)
@click.option("--pairs-per-image", type=click.IntRange(min=1), help="Pairs drawn for each image.")
@click.option(
    "--outliers",
    type=Number(0, 1),
    help="Made pictures of no group in each batch, as a share of it; 0.2 keeps strangers away.",
)
@click.option(
    "--composites",
    type=Number(0, 1),
    help="Pictures of made groups in each batch, as a share; 0.3 prepares for groups to come.",
)
@click.option(
    "--preprocessing",
    type=click.Choice(["digit", "resize"]),
    help="How a picture becomes the network's input.",
)
@click.option("--test", metavar="DATA", help="Measure the model on these, used for no choice.")
@click.option("--resume", is_flag=True, help="Go on with a training that was cut off.")
@split_option
def train(data: str, out: Path, recipe: str, resume: bool, **settings: Any) -> None:
    """Train a model on labelled pictures, DATA, by default mnist/train.

    Needs TensorFlow: pip install 'likewise[train]'. The recipe decides what no option sets.

    \b
    likewise train --out models/digits
    likewise train shoes/ --out models/shoes --epochs 40
    likewise train --recipe tutorial --out models/tutorial
    """
    from likewise.training import train as train_model

    try:
        trained = train_model(data, out, recipe, resume=resume, **settings)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("tensorflow", "keras", "matplotlib"):
            raise
        raise click.ClickException(
            "Training needs TensorFlow, which is not installed: pip install 'likewise[train]'"
        ) from error
    note(f"{trained.path}: model {trained.fingerprint}. Now: likewise build GALLERY {data}")
