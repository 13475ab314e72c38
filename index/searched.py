"""How a gallery is searched: what its owner chose, and what was measured of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.search.kept import read_kept
from index.search.kept_codes import read_promise
from index.search.promise import Promise
from index.search.setting import SearchSetting


@dataclass(frozen=True, slots=True)
class HowSearched:
    """How a gallery is searched.

    Attributes:
        setting: What its owner chose.
        cells: By how many cells exact search is done; 0 for a scan of all references.
        gain: How many times as long such a scan was measured to take as a search by cells, or by
            bundles where there are any; None if not measured.
        promise: What was measured of the approximate search that was chosen; None where none was,
            or its file is missing, damaged or outgrown, so that search is exact.
        bundles: By how many bundles exact search is done first; 0 for none.
    """

    setting: SearchSetting
    cells: int
    gain: float | None
    promise: Promise | None
    bundles: int = 0


def how_searched(path: Path, setting: SearchSetting, count: int) -> HowSearched:
    """Read how a gallery is searched.

    Args:
        path: The gallery's directory.
        setting: What its owner chose.
        count: How many references there are.
    """
    kept, promise = read_kept(path), None
    if setting.recall is not None:
        promise = read_promise(path)
    if promise is not None and not promise.is_of(setting, count):
        promise = None
    if kept is None:
        return HowSearched(setting, 0, None, promise)
    bundles = len(np.unique(kept.bundle)) if setting.way == "auto" else 0
    cells = 0 if setting.way == "flat" else len(kept.centroids)
    gain = kept.bundle_gain if bundles else kept.gain
    return HowSearched(setting, cells, gain, promise, bundles)
