"""`likewise train`: train a model."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from likewise.commands.console import note, progress_bar
from likewise.commands.errors import INTERRUPTED
from likewise.commands.options import SHARE, Number, Reading, reading_options
from likewise.recipe_names import OF_NETWORKS, OF_PAIRS, OF_START, OF_TRANSFER, recipe_of

_REFUSED = {
    "transfer": OF_NETWORKS,
    "default": (*OF_TRANSFER, *OF_PAIRS),
    "digits": (*OF_TRANSFER, *OF_PAIRS),
    "tutorial": (*OF_TRANSFER, "steps", "turned"),
}


@click.command()
@click.argument("data", default="mnist/train")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Directory to write the model to."
)
@click.option(
    "--recipe",
    type=click.Choice(["default", "digits", "tutorial", "transfer"]),
    help="Base settings; the other options override them.  [default: what fits the pictures]",
)
@click.option(
    "--from",
    "start",
    metavar="MODEL",
    help="Go on from a trained model, such as digits, with a few hundred pictures of your own.",
)
@click.option(
    "--keep",
    metavar="DATA",
    help="With --from, pictures that MODEL was trained on, so that it does not forget them.  "
    "[default: the bundled digits, if it was trained on these]",
)
@click.option(
    "--backbone",
    metavar="MODEL",
    help="With transfer, the model to fit: its directory, photos, mobilenetv3-large or "
    "mobilenetv3-small.  [default: photos]",
)
@click.option(
    "--flip",
    is_flag=True,
    default=None,
    help="With transfer, mirror pictures too: not where left and right matter, as in writing.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    help="Steps of gradient descent; without transfer, at least so many in all epochs.",
)
@click.option(
    "--network",
    type=click.Choice(["conv", "dense"]),
    help="Base network: a small convolutional one, or dense layers.",
)
@click.option("--epochs", type=click.IntRange(min=1), help="Maximum number of epochs.")
@click.option(
    "--batch", type=click.IntRange(min=2), help="Batch size, in images (tutorial: in pairs)."
)
@click.option(
    "--margin",
    type=Number(0, 10, min_open=True),
    help="Margin of the contrastive loss, 0 to 10.",
)
@click.option(
    "--learning-rate", type=Number(0, 1, min_open=True), help="Learning rate of the optimizer."
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    help="Random seed; the same seed gives the same model.",
)
@click.option(
    "--validation",
    type=SHARE,
    help="Share of the pictures held out for early stopping and for the threshold.",
)
@click.option(
    "--pairs-per-image",
    type=click.IntRange(min=1),
    help="With tutorial, number of pairs drawn per image.",
)
@click.option(
    "--outliers",
    type=Number(0, 1),
    help="Synthetic pictures of no group, as a share of each batch; 0.2 helps to reject unknowns.",
)
@click.option(
    "--composites",
    type=Number(0, 1),
    help="Pictures of synthetic groups, as a share of each batch; 0.3 helps with later groups.",
)
@click.option(
    "--turned",
    is_flag=True,
    default=None,
    help="Turned pictures are groups of their own; helps with later groups of drawings.",
)
@click.option(
    "--size",
    type=click.IntRange(8, 1024),
    help="Side in pixels that pictures are brought to.  [default: their own up to 48, else 32]",
)
@click.option(
    "--preprocessing",
    type=click.Choice(["digit2", "resize"]),
    help="How a picture is fitted to the network's input: find the digit, or only resize.",
)
@click.option("--test", metavar="DATA", help="Labelled pictures to measure the finished model on.")
@click.option("--resume", is_flag=True, help="Continue an interrupted training.")
@reading_options
def train(
    data: str,
    out: Path,
    recipe: str | None,
    start: str | None,
    keep: str | None,
    resume: bool,
    reading: Reading,
    **settings: Any,
) -> None:
    """Train a model on labelled pictures.

    Use it when your pictures are not digits, so that the bundled model does not fit. DATA is
    mnist/train by default. The recipe provides every setting that no option changes.

    Without --recipe the pictures decide. For photographs, and for a few hundred pictures, it is
    transfer: it fits a small head to the features of a model that has seen millions, in minutes,
    and needs likewise[photos] alone. For thousands of drawings or small grey pictures it is
    default, which trains a network from nothing, as tutorial does, and needs TensorFlow: pip
    install 'likewise[train]'. For mnist it is digits, which adds digits as others write, scan and
    photograph them; name it for digits of your own, labelled 0 to 9.

    With --from a model goes on to learn from your pictures, in minutes: a few hundred will do.

    \b
    likewise train --out models/digits
    likewise train shoes/ --out models/shoes
    likewise train letters/ --out models/letters --recipe default --turned
    likewise train my-digits/ --from digits --out models/my-digits
    likewise train --recipe tutorial --out models/tutorial
    """
    if start is not None or keep is not None:
        _refuse_with_start(start, {"recipe": recipe, **settings})
    elif recipe := recipe or recipe_of(settings):
        _refuse_others(recipe, settings)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # nobody can act on what TensorFlow logs
    from embedder.data.label_rule import LabelRule
    from likewise.commands.trained import changes, gains, on_test, threshold
    from likewise.training import train as train_model

    if start is not None:
        from embedder.model import Embedder

        settings |= {"start": Embedder.load(start), "keep": keep}
    try:
        with progress_bar(None) as done:
            trained = train_model(
                data,
                out,
                recipe,
                split=reading.split,
                rule=LabelRule(reading.level, reading.pattern),
                resume=resume,
                tell=note,
                progress=done,
                **settings,
            )
    except KeyboardInterrupt:
        if out.with_name(f"{out.name}.training").exists():
            note(f"Interrupted. What is done is kept in {out}.training: go on with --resume.")
            click.get_current_context().exit(INTERRUPTED)
        raise
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("tensorflow", "keras", "matplotlib"):
            raise
        raise click.ClickException(
            "Training needs TensorFlow, which is not installed: pip install 'likewise[train]'"
        ) from error
    figures = trained.metadata.get("figures", {})
    held_out = figures.get("validation", {})
    if "of_raw_pixels" in held_out:
        for line in gains(held_out):
            note(line)
    for line in changes(figures.get("further")):
        note(line)
    if point := trained.operating_points.get("default"):
        note(threshold(point))
    for line in on_test(figures.get("test")):
        note(line)
    words = shlex.join([str(data), *reading.words, "--model", str(trained.path)])
    note(f"{trained.path}: model {trained.fingerprint}. Next: likewise build GALLERY {words}")


def _refuse_with_start(start: str | None, settings: Mapping[str, Any]) -> None:
    """Refuse what a training that goes on has from its model, and --keep without such a one."""
    if start is None:
        raise click.UsageError(
            "--keep goes with --from MODEL, which was trained on those pictures."
        )
    for name in OF_START:
        if settings.get(name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(
                f"--from goes on with the recipe and the form of {start}: leave {option} out."
            )


def _refuse_others(recipe: str, settings: Mapping[str, Any]) -> None:
    """Refuse options that the recipe does not have."""
    for name in _REFUSED[recipe]:
        if settings[name] is not None:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"The recipe {recipe} has no {option}: leave it out.")
