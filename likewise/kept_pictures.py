"""Which of the pictures that a gallery keeps, as they were prepared, another model can use."""

from __future__ import annotations

from collections.abc import Iterable

from embedder.data.content import content_hash
from embedder.errors import ModelError
from embedder.manifest import read_manifest
from embedder.model import Embedder
from index.gallery import Gallery
from likewise.enrolment import BATCH
from likewise.names import composed


def without_usable_picture(old: Gallery, embedder: Embedder) -> dict[str, str]:
    """The references whose pictures must come from elsewhere.

    Args:
        old: The gallery.
        embedder: The other model.

    Returns:
        Their ids, by the composed spelling of each.
    """
    before = _preprocessing(old)
    ids: Iterable[str]
    if before == (embedder.preprocessing, embedder.input_shape):
        ids = old.without_picture()
    elif before == ("digit", embedder.input_shape) and embedder.preprocessing == "digit2":
        ids = _prepared_otherwise(old)
    else:
        ids = old.ids()
    return {composed(id): id for id in ids}


def _preprocessing(gallery: Gallery) -> tuple[str, tuple[int, ...]] | None:
    """Preprocessing and input shape of a gallery's model; None where it cannot be read."""
    try:
        manifest = read_manifest(gallery.model_path)
    except ModelError:
        return None
    return manifest["preprocessing"], tuple(manifest["input_shape"])


def _prepared_otherwise(old: Gallery) -> list[str]:
    """References that `digit` did not leave as they came; `digit2` leaves the others so too."""
    return [
        reference.id
        for batch in old.batches(BATCH)
        for reference in batch
        if reference.picture is None or content_hash(reference.picture) != reference.content
    ]
