"""Describe a gallery for `likewise info`: size, groups, model, thresholds and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedder.data.records import as_text
from embedder.model import Embedder
from embedder.text import counted
from index.operating_point import OperatingPoint, points_from_json
from likewise.commands.searching import lines as search_lines
from likewise.commands.searching import searched
from likewise.matcher import Matcher
from likewise.model_choice import MISFIT
from likewise.output.printable import printable
from likewise.output.rows import json_line
from likewise.separation import warning

SHOWN_GROUPS = 40
_GROUPS_AT_ONCE = 4096  # in a dictionary: filling one of a million takes several times as long
_PREFIX = {MISFIT: "Warning: "}


def as_json(matcher: Matcher) -> bytes:
    """Describe a gallery with all its groups, as one line of JSON.

    Args:
        matcher: The gallery with its model.
    """
    parts = map(json_line, matcher.gallery.group_parts(_GROUPS_AT_ONCE))
    groups = b",".join(part.strip()[1:-1] for part in parts)
    # What stands before are texts, in which quotes are escaped, so the first is the field.
    before, field, after = json_line(describe(matcher, 0)).partition(b'"groups":{')
    return before + field + groups + after


def describe(matcher: Matcher, most: int = SHOWN_GROUPS) -> dict[str, Any]:
    """Describe a gallery as plain JSON.

    Args:
        matcher: The gallery with its model.
        most: How many groups are named at most, >= 0.

    Example:
        >>> import tempfile
        >>> from embedder.model import Embedder
        >>> with Matcher.create(f"{tempfile.mkdtemp()}/empty.gallery", Embedder.load()) as matcher:
        ...     described = describe(matcher)
        >>> described["references"], described["groups"], described["model"]["preprocessing"]
        (0, {}, 'digit2')
    """
    gallery, embedder = matcher.gallery, matcher.embedder
    points, notes = gallery.points.all(), gallery.notes
    named = gallery.group_page(limit=most)[0] if most else []
    return {
        "gallery": as_text(str(gallery.place)),
        "references": len(gallery),
        "groups": {entry.label: entry.size for entry in named},
        "unlabelled": gallery.count_unlabelled(),
        "generation": gallery.generation,
        "notes": notes,
        "operating_points": _fitting(points, embedder, notes),
        "default_point": gallery.points.default,
        "outdated": {
            name: sentence for name in points if (sentence := gallery.points.outdated(name))
        },
        "model": {
            "fingerprint": embedder.fingerprint,
            "input_shape": list(embedder.input_shape),
            "dim": embedder.dim,
            "preprocessing": embedder.preprocessing,
            "recipe": embedder.metadata.get("recipe"),
            "figures": {} if MISFIT in notes else embedder.metadata.get("figures", {}),
        },
        "search": searched(gallery.how_searched(), points),
        "bytes": gallery.sizes(),
    }


def _fitting(
    points: Mapping[str, OperatingPoint], embedder: Embedder, notes: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """The operating points; those of a model that does not fit the pictures without its rates."""
    brought = points_from_json(embedder.operating_points) if MISFIT in notes else {}
    return {
        name: {"threshold": point.threshold} if brought.get(name) == point else point.to_json()
        for name, point in points.items()
    }


def text(described: dict[str, Any], groups: int) -> str:
    """Write a description for a person.

    Args:
        described: What `describe` says.
        groups: How many groups there are.
    """
    model = described["model"]
    files = described["bytes"]
    shown = [f"  {label}: {count}" for label, count in described["groups"].items()]
    if groups > len(shown):
        shown.append(f"  and {groups - len(shown)} more")
    unlabelled = described["unlabelled"]
    aside = f", {unlabelled} of them without labels" if unlabelled else ""
    lines = [
        f"gallery: {described['gallery']}",
        f"references: {described['references']} in {counted(groups, 'group')}{aside}",
        *shown,
        "operating points (largest distance that is a match):",
        *(f"  {line}" for line in _points(described["operating_points"])),
        *_default(described),
        *_outdated(described["outdated"], described["default_point"]),
        *_unseparated(described),
        f"model: {model['fingerprint']}",
        *(f"  {_PREFIX.get(name, '')}{sentence}" for name, sentence in described["notes"].items()),
        f"  input: {' x '.join(map(str, model['input_shape']))} pixels ({model['preprocessing']}); "
        f"output: {model['dim']} numbers",
        *(f"  {line}" for line in _recipe(model["recipe"])),
        *(f"  {line}" for line in _figures(model["figures"])),
        *search_lines(described["search"]),
        f"on disk: {sum(files.values()) / 1e6:.1f} MB",
        *(f"  {name}: {size / 1e6:.1f} MB" for name, size in files.items()),
    ]
    return "\n".join(map(printable, lines))


def _points(points: dict[str, dict[str, Any]]) -> list[str]:
    lines = []
    for name, stored in points.items():
        point = OperatingPoint.from_json(stored)
        lines.append(f"{name}: {point.threshold:.4f}{_measured(point)}")
    return lines or ["none: use --threshold"]


def _measured(point: OperatingPoint) -> str:
    """What stands behind a threshold: for searches what a person looks for, else all."""
    if point.fpir is None:
        return _listed({key: value for key, value in point.to_json().items() if key != "threshold"})
    parts = [f"FPIR {100 * point.fpir:.3g} %"]
    if point.fnir is not None:
        parts.append(f"FNIR {100 * point.fnir:.3g} %")
    if point.group_thresholds:
        parts.append(f"{counted(len(point.group_thresholds), 'threshold')} by group")
    if point.min_margin is not None:
        parts.append(f"least margin {point.min_margin:g}")
    if point.gallery_size is not None:
        parts.append(counted(point.gallery_size, "reference"))
    return f" ({', '.join(parts)})"


def _default(described: dict[str, Any]) -> list[str]:
    """Which of several operating points is used; one of them may be called `default`."""
    if len(described["operating_points"]) < 2:
        return []
    return [f"  used unless --at names another: {described['default_point']}"]


def _outdated(sentences: dict[str, str], default: str | None) -> list[str]:
    """A warning about the point that is used; the others, which say much the same, by name."""
    first = default if default in sentences else next(iter(sentences), None)
    if first is None:
        return []
    other_names = [name for name in sentences if name != first]
    also = f"; the same holds for {', '.join(other_names)}" if other_names else ""
    return [f"Warning: {sentences[first]}{also}"]


def _unseparated(described: dict[str, Any]) -> list[str]:
    """A warning where the default point misses most pictures."""
    stored = described["operating_points"].get(described["default_point"])
    sentence = None if stored is None else warning(OperatingPoint.from_json(stored))
    return [] if sentence is None else [f"Warning: {sentence}"]


def _recipe(recipe: Any) -> list[str]:
    if not isinstance(recipe, dict):
        return []
    shown = ("name", "network", "epochs", "seed")
    return ["recipe: " + ", ".join(f"{key} {recipe[key]}" for key in shown if key in recipe)]


def _figures(figures: dict[str, dict[str, Any]]) -> list[str]:
    return [f"measured on {split}{_listed(values)}" for split, values in figures.items()]


def _listed(values: dict[str, Any]) -> str:
    plain = {k: v for k, v in values.items() if isinstance(v, int | float | str)}
    if not plain:
        return ""
    return " (" + ", ".join(f"{key} {_number(value)}" for key, value in plain.items()) + ")"


def _number(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
