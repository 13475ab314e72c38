"""The models that a head can be put onto: ours, imported ones, and two of keras.applications."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from embedder.errors import ModelError
from embedder.model import DIGITS, PHOTOS, Embedder
from embedder.photos.cache import kept
from embedder.runtime.quiet import without_notices

# By our names. Their weights are downloaded from Keras's own storage, which checks their hash.
KERAS = {"mobilenetv3-large": "MobileNetV3Large", "mobilenetv3-small": "MobileNetV3Small"}


def require_backbone(name: str) -> None:
    """Refuse a name of no model, before anything is read.

    Raises:
        ModelError: If it is neither a name that is known nor a model's directory.
    """
    known = (DIGITS, PHOTOS, *KERAS)
    if name not in known and not (Path(name) / "model.json").exists():
        raise ModelError(
            f"There is no model {name!r} to fit: name {PHOTOS}, {' or '.join(KERAS)}, or the "
            "directory of a model."
        )


def backbone(name: str) -> Embedder:
    """Open the model that a head is put onto.

    Args:
        name: A name of `KERAS`, imported from Keras at first use and then kept in the cache; or
            what `Embedder.load` takes.

    Raises:
        ModelError: If there is no such model, it cannot be downloaded, or it does not take pixels
            as they are.
    """
    if name in KERAS and not (Path(name) / "model.json").exists():
        return Embedder.load(kept(name, _is_whole, partial(_fetch, KERAS[name])))
    model = Embedder.load(name)
    if model.metadata.get("ends"):
        raise ModelError(
            f"The model {name!r} does not take pixels as they are, so no head can be put onto it. "
            "Use the photos model, or one imported from a Keras file."
        )
    return model


def _is_whole(directory: Path) -> bool:
    try:
        Embedder.load(directory)
    except ModelError:
        return False
    return True


def _fetch(application: str, directory: Path) -> None:
    """Import a network of Keras.

    Args:
        application: Its name in `keras.applications`.
        directory: An empty directory to write to.
    """
    try:
        with without_notices():
            from embedder.importing.applications import fetch
    except ModuleNotFoundError as error:
        raise ModelError(
            f"{application} comes from Keras, which is not installed: pip install 'likewise[train]'"
        ) from error
    fetch(application, directory)
