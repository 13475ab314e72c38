"""The models that a head can be put onto: ours, imported ones, and two of keras.applications."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from embedder.errors import ModelError
from embedder.model import Embedder
from embedder.photos.cache import kept

# By our names. Their weights are downloaded from Keras's own storage, which checks their hash.
KERAS = {"mobilenetv3-large": "MobileNetV3Large", "mobilenetv3-small": "MobileNetV3Small"}
_SIDE = 224  # pixels, as their weights were trained


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
        return Embedder.load(kept(name, _is_whole, partial(_import, KERAS[name])))
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


def _import(application: str, directory: Path) -> None:
    """Download a network, without its classifier, and write it as a model.

    Args:
        application: Its name in `keras.applications`.
        directory: Where to write.
    """
    from embedder.importing.adopt import adopt
    from embedder.importing.options import ImportOptions

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{application}.keras"
        _download(application, file)
        made = adopt(file, Path(folder) / "model", ImportOptions(pixels="0..255")).path
        for part in made.iterdir():
            part.rename(directory / part.name)


def _download(application: str, file: Path) -> None:
    """Save a network with its weights as a Keras file.

    Args:
        application: Its name in `keras.applications`.
        file: Where to save it.
    """
    from embedder.runtime.quiet import without_notices

    try:
        with without_notices():
            import keras
    except ModuleNotFoundError as error:
        raise ModelError(
            f"{application} comes from Keras, which is not installed: pip install 'likewise[train]'"
        ) from error
    try:
        network = getattr(keras.applications, application)(
            input_shape=(_SIDE, _SIDE, 3), include_top=False, pooling="avg"
        )
    except Exception as error:  # Keras raises it bare where a download fails, or has another hash
        raise ModelError(
            f"The weights of {application} could not be downloaded: {error}. Download them once "
            "where the internet is, or use the photos model."
        ) from error
    network.save(file)
