"""Describe how a gallery is searched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedder.text import counted
from index.operating_point import OperatingPoint
from index.search.promise import Measured, Promise
from index.searched import HowSearched

_KINDS = {
    "known": "known queries (references without themselves)",
    "unknown": "unknown queries (references without their groups)",
    "between": "unknown queries (halfway between groups)",
}


def searched(how: HowSearched, points: Mapping[str, OperatingPoint]) -> dict[str, Any]:
    """How references are searched, as plain JSON.

    Args:
        how: What the gallery says of it.
        points: Its operating points, for the decisions that differ.

    Example:
        >>> from index.search.setting import EXACT
        >>> lines(searched(HowSearched(EXACT, 0, None, None), {}))
        ['search: exact, by a scan of all references']
    """
    promise = how.promise
    return {
        **how.setting.to_json(),
        "cells": how.cells,
        "bundles": how.bundles,
        "gain": how.gain and round(how.gain, 2),
        "approximate": _figures(promise, points) if promise and promise.effort else None,
        "sentence": _sentence(how),
    }


def lines(described: Mapping[str, Any]) -> list[str]:
    """The same for a person.

    Args:
        described: What `searched` says.
    """
    told = [f"search: {described['sentence']}"]
    approximate = described["approximate"] or {}
    for kind, what in _KINDS.items():
        if figures := approximate.get(kind):
            shares = [
                f"{100 * share:.2g} % of decisions differ at {name}"
                for name, share in figures["differing"].items()
            ]
            found = f"{100 * figures['recall']:.2f} % of {figures['asked']} found"
            told.append(f"  {what}: {', '.join([found, *shares])}")
    return told


def _sentence(how: HowSearched) -> str:
    setting, promise = how.setting, how.promise
    if setting.recall is None:
        return f"exact, {_exactly(how)}"
    of = "known" if setting.recall_of == "known" else "known and unknown"
    if promise is None:
        return (
            f"exact, {_exactly(how)}; recall {setting.recall:g} was chosen, but the approximate "
            "search is to be made: run `likewise tune` again"
        )
    if promise.effort is None:
        return (
            f"exact, {_exactly(how)}; recall {setting.recall:g} was chosen, but no approximate "
            f"search was shown to reach it for {of} queries; it is for millions of references"
        )
    times = f", measured {promise.gain:.1f} times as fast as exact search" if promise.gain else ""
    if promise.gain and promise.gain < 1:
        times += ": `likewise tune GALLERY --search auto` goes back to that"
    return f"approximate, recall {setting.recall:g} promised for {of} queries{times}"


def _exactly(how: HowSearched) -> str:
    """How exact search is done, and what cells or bundles gain, or would gain."""
    chosen = "" if how.setting.way == "auto" else ", as was chosen"
    if how.bundles and how.gain is not None:
        bundles = f"{counted(how.bundles, 'bundle')} of close references of one group"
        return f"by {bundles}, measured {how.gain:.1f} times as fast as a full scan"
    if how.cells and how.gain is not None:
        cells = counted(how.cells, "cell")
        return f"by {cells}, measured {how.gain:.1f} times as fast as a full scan{chosen}"
    if how.setting.way == "cells":
        return "by cells, as was chosen, once enough is asked"
    saving = how.gain is not None and not chosen
    return "by a scan of all references" + (
        "; cells were measured to save no time" if saving else chosen
    )


def _figures(promise: Promise, points: Mapping[str, OperatingPoint]) -> dict[str, Any]:
    """What an approximate search finds, and the decisions that differ by what it does not find."""

    def of(measured: Measured) -> dict[str, Any]:
        shares = {name: measured.differing(point.threshold) for name, point in points.items()}
        return {"asked": measured.asked, "recall": measured.recall, "differing": shares}

    return {
        "gain": promise.gain and round(promise.gain, 2),
        "known": promise.known and of(promise.known),
        "unknown": promise.unknown and of(promise.unknown),
        "between": promise.between and of(promise.between),
    }
