"""Which of the groups I know does this picture belong to, if any?

The public names are imported when they are first used, so `import likewise` costs nothing.

May import: embedder, index, likewise.bulk, likewise.calibration, likewise.commands,
likewise.evaluation, likewise.notebook, likewise.output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.2.0"  # the only place: packaging, `likewise --version` and the server read it here

if TYPE_CHECKING:
    from embedder.data.images import read_image
    from embedder.data.records import Record
    from embedder.data.sources import records
    from embedder.model import Embedder
    from index.decision import CheckOptions, Decision
    from index.gallery import Gallery
    from index.neighbours import Neighbours
    from likewise.adoption import adopt
    from likewise.answers import Decisions
    from likewise.building import build
    from likewise.bulk.stream import check_stream
    from likewise.calibration.calibrate import calibrate
    from likewise.errors import LikewiseError
    from likewise.evaluation.evaluate import evaluate
    from likewise.matcher import Matcher
    from likewise.training import train
    from likewise.upgrading import upgrade

    open = Matcher.open

_HOMES = {
    "CheckOptions": "index.decision",
    "Decision": "index.decision",
    "Decisions": "likewise.answers",
    "Embedder": "embedder.model",
    "Gallery": "index.gallery",
    "LikewiseError": "likewise.errors",
    "Matcher": "likewise.matcher",
    "Neighbours": "index.neighbours",
    "Record": "embedder.data.records",
    "adopt": "likewise.adoption",
    "build": "likewise.building",
    "calibrate": "likewise.calibration.calibrate",
    "check_stream": "likewise.bulk.stream",
    "evaluate": "likewise.evaluation.evaluate",
    "read_image": "embedder.data.images",
    "records": "embedder.data.sources",
    "train": "likewise.training",
    "upgrade": "likewise.upgrading",
}

__all__ = [
    "CheckOptions",
    "Decision",
    "Decisions",
    "Embedder",
    "Gallery",
    "LikewiseError",
    "Matcher",
    "Neighbours",
    "Record",
    "__version__",
    "adopt",
    "build",
    "calibrate",
    "check_stream",
    "evaluate",
    "open",
    "read_image",
    "records",
    "train",
    "upgrade",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'likewise' has no attribute {name!r}")
    from importlib import import_module

    from likewise.shadowing import refuse_shadowing

    refuse_shadowing()
    if name == "open":
        return import_module("likewise.matcher").Matcher.open
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
