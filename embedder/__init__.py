"""From pictures to vectors: data sets, preprocessing, training, and the embedder itself.

Names are imported when they are first used, so `import embedder` costs nothing.

May import: embedder.data, embedder.photos, embedder.preprocessing, embedder.runtime.
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "Dataset": "data.sources",
    "Embedder": "model",
    "Record": "data.records",
    "load": "data.sources",
    "prepare": "preprocessing.prepare",
    "read_image": "data.images",
}

__all__ = ["Dataset", "Embedder", "Record", "load", "prepare", "read_image"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'embedder' has no attribute {name!r}")
    return getattr(import_module(f"embedder.{_HOMES[name]}"), name)
