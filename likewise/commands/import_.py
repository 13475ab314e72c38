"""`likewise import`: bring a model from elsewhere."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from likewise.commands.console import note

if TYPE_CHECKING:
    from embedder.model import Embedder

_RANGES = ("0..1", "-1..1", "0..255", "imagenet", "caffe")


def _height_and_width(
    context: click.Context, option: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    if value is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,3})[x×]([1-9]\d{0,3})", value)
    if match is None:
        raise click.BadParameter(f"{value!r} is not a height and a width, such as 224x224.")
    return int(match[1]), int(match[2])


@click.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Directory to write the model to."
)
@click.option(
    "--pixels",
    type=click.Choice(_RANGES),
    help="Range of pixel values that the network expects, as in its training. Required unless the "
    "file shows it.",
)
@click.option(
    "--channels",
    type=click.Choice(["grey", "rgb", "bgr"]),
    help="Colour channels that the network expects.  [default: from the shape, red first; caffe: "
    "bgr]",
)
@click.option(
    "--layout",
    type=click.Choice(["hwc", "chw"]),
    help="Whether the channels come last or first.  [default: from the shape]",
)
@click.option(
    "--size",
    metavar="HxW",
    callback=_height_and_width,
    help="Height and width, for a network that takes pictures of any size, such as 224x224.",
)
@click.option(
    "--resize",
    type=click.Choice(["pad", "stretch", "crop"]),
    default="pad",
    show_default=True,
    help="How a picture of another shape is fitted to the network's input.",
)
@click.option(
    "--output",
    metavar="LAYER",
    help="Layer, or output, that gives the embedding.  [default: the base network that all inputs "
    "share, or the layer before a classifier's head]",
)
@click.option(
    "--skip", metavar="LAYER", multiple=True, help="Leave out this layer; may be repeated."
)
@click.option("--as-is", is_flag=True, help="Keep the length of embeddings; else it becomes 1.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "float16"]),
    default="float32",
    show_default=True,
    help="Precision of the stored weights; float16 halves the file.",
)
@click.option(
    "--data",
    metavar="DATA",
    help="Labelled pictures that the network has not seen, to measure its thresholds with; without "
    "them each gallery measures its own.",
)
@click.option("--licence", type=click.Path(path_type=Path), help="Text file to keep in the model.")
def import_(source: Path, out: Path, **options: Any) -> None:
    """Import a model that you have: Keras, SavedModel or LiteRT.

    Use it when you trained a Siamese network, or found a network whose embeddings are good. SOURCE
    is a Keras file (.keras or .h5, of Keras 3 or 2), the directory of a SavedModel, or a .tflite
    file. Of a Siamese or triplet network the shared base is taken, of a classifier the layers
    before its head. No code in the file is run.

    Keras files and SavedModels need TensorFlow: pip install 'likewise[train]'

    \b
    likewise import siamese.keras --out models/mine --pixels 0..1
    likewise import classifier.h5 --out models/mine --pixels caffe --output avg_pool
    likewise build shoes.gallery shoes/ --model models/mine
    """
    from embedder.errors import ImportOptionError
    from likewise.adoption import adopt

    try:
        model = adopt(source, out, tell=lambda sentence: note(f"Warning: {sentence}"), **options)
    except ImportOptionError as error:
        raise click.UsageError(str(error)) from error
    _report(model)


def _report(model: Embedder) -> None:
    origin = model.metadata["origin"]
    skipped = f", without {', '.join(origin['skipped'])}" if origin["skipped"] else ""
    difference = origin.get("compared", {}).get("largest_difference")
    compared = (
        "" if difference is None else f" Differs from its source by {difference:.1g} at most."
    )
    note(
        f"{model.path}: model {model.fingerprint} of {origin['source']} ({origin['kind']}), up to "
        f"{origin['output']}{skipped}; {model.dim} numbers for a picture of "
        f"{'x'.join(map(str, model.input_shape))}, pixels {origin['pixels']}.{compared}"
    )
    if "warning" in origin:
        note(f"Warning: {origin['warning']}.")
    note(f"Now: likewise build GALLERY DATA --model {model.path}")
