"""Import a model made elsewhere: read it, convert it, compare it with its source, write it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from embedder.destination import check_destination, describe, new_model
from embedder.errors import ImportOptionError, ModelError
from embedder.importing.imported import Imported
from embedder.importing.options import ImportOptions
from embedder.importing.verify import verify
from embedder.manifest import IMPORTED, imported_fingerprint
from embedder.model import Embedder
from embedder.runtime.litert import LiteRT
from embedder.runtime.quiet import without_notices

_LARGEST_LICENCE = 1 << 20  # bytes
_ELSEWHERE = {".onnx": "ONNX", ".pt": "torch", ".pth": "torch", ".pb": "TensorFlow 1"}


def adopt(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: ImportOptions = ImportOptions(),
) -> Embedder:
    """Import a model made elsewhere and write it as a model of likewise.

    Args:
        source: A Keras file, the directory of a SavedModel, or a `.tflite` file.
        out: Directory of the model; an earlier model is replaced.
        options: How to read it.

    Returns:
        The model, opened. It has no operating points.

    Raises:
        ModelError: If the source is of another kind, is damaged or hostile, cannot be imported, or
            gives other embeddings once converted; then nothing is written.
        ImportOptionError: If an option is missing, or cannot apply.
    """
    path, out = Path(source), Path(out)
    check_destination(out, str(path))
    licence = _licence(options.licence)
    imported = _read(path, options)
    ends = imported.ends
    figures = verify(imported, LiteRT(imported.network, imported.dim, None, ends))
    with new_model(out) as made:
        (made / "model.tflite").write_bytes(imported.network)
        if imported.save_base:
            imported.save_base(made)
        origin = _origin(path, imported, licence) | figures | _warning(imported.origin, figures)
        describe(made, _entries(imported, options, origin))
    return Embedder.load(out)


def _read(path: Path, options: ImportOptions) -> Imported:
    kind = kind_of(path)
    try:
        if kind == "tflite":
            from embedder.importing.tflite import import_tflite

            return import_tflite(path, options)
        if kind == "keras":
            with without_notices():
                from embedder.importing.keras_model import import_keras

            return import_keras(path, options)
        with without_notices():
            from embedder.importing.saved_model import import_saved_model

        return import_saved_model(path, options)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("tensorflow", "keras", "h5py"):
            raise
        raise ModelError(
            f"Importing {path.name} needs TensorFlow, which is not installed: "
            "pip install 'likewise[train]'"
        ) from error


def kind_of(path: Path) -> str:
    """The kind of model at a path, by its contents.

    Returns:
        `keras`, `saved_model` or `tflite`.

    Raises:
        ModelError: If the model is of another kind, or does not exist.
    """
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return "saved_model"
        if (path / "model.json").is_file():
            raise ModelError(f"{path} is already a model of likewise: use it with --model {path}.")
    elif not path.is_file():
        raise ModelError(f"There is no model at {path}: name a file, or a SavedModel's directory.")
    else:
        with path.open("rb") as file:
            start = file.read(8)
        if start[4:8] == b"TFL3":
            return "tflite"
        if start.startswith((b"PK\x03\x04", b"\x89HDF\r\n\x1a\n")) and not _is_torch(path):
            return "keras"
    raise ModelError(
        f"{path} is not a model that can be imported{_what(path)}. Expected a Keras file (.keras "
        "or .h5), the directory of a SavedModel, or a .tflite file; docs/models.md shows how to "
        "convert others."
    )


def _is_torch(path: Path) -> bool:
    return path.suffix in _ELSEWHERE


def _what(path: Path) -> str:
    kind = _ELSEWHERE.get(path.suffix)
    return f": it is a model of {kind}" if kind else ""


def _entries(imported: Imported, options: ImportOptions, origin: dict[str, Any]) -> dict[str, Any]:
    preprocessing = options.preprocessing
    return {
        "format": IMPORTED,
        "fingerprint": imported_fingerprint(
            imported.network, imported.input_shape, preprocessing, imported.ends
        ),
        "input_shape": list(imported.input_shape),
        "dim": imported.dim,
        "preprocessing": preprocessing,
        "ends": imported.ends,
        "origin": origin,
        "figures": {},
        "operating_points": {},
    }


def _origin(path: Path, imported: Imported, licence: str | None) -> dict[str, Any]:
    return {
        "source": path.name,
        "sha256": _digest(path),
        "licence": licence or imported.origin.get("licence"),
        **{key: value for key, value in imported.origin.items() if key != "licence"},
    }


def _warning(*entries: dict[str, Any]) -> dict[str, str]:
    """The warnings of several steps as one entry."""
    warnings = [each["warning"] for each in entries if "warning" in each]
    return {"warning": "; ".join(warnings)} if warnings else {}


def _digest(path: Path) -> str:
    """The SHA-256 of a file; of a directory, that of the names and digests of its files."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = [f"{file.relative_to(path).as_posix()} {_digest(file)}\n" for file in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _licence(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        content = path.read_bytes()
        if len(content) <= _LARGEST_LICENCE:
            return content.decode()
    except (OSError, UnicodeDecodeError):
        pass
    raise ImportOptionError(f"--licence {path} is not a readable text file of up to 1 MiB.")
