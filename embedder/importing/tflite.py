"""Import a `.tflite` file unchanged: only its input and output are adapted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from embedder.errors import ImportOptionError, ModelError
from embedder.importing.front import Front, front_of
from embedder.importing.imported import Imported
from embedder.importing.metadata import Metadata, read_metadata
from embedder.importing.options import ImportOptions
from embedder.importing.pixels import range_of_ends, whole_pixels
from embedder.importing.verify import sample
from embedder.runtime.ends import Ends, Quantisation
from embedder.runtime.litert import LiteRT

_TRIED = 5  # pictures in the batch that is tried


def import_tflite(path: Path, options: ImportOptions) -> Imported:
    """Read a `.tflite` file.

    Args:
        path: The file.
        options: What the user chose.

    Raises:
        ModelError: If LiteRT cannot run the network, or it is not from one picture to one vector.
        ImportOptionError: If an option is missing, or cannot apply to a finished network.
    """
    _refuse_surgery(options)
    network = path.read_bytes()
    inputs, outputs = _details(network, path.name)
    if len(inputs) != 1:
        raise ModelError(
            f"{path.name} takes {len(inputs)} inputs, but an embedder takes one picture. Export "
            "the base network alone and import that."
        )
    metadata = read_metadata(network)
    output = _output(outputs, options, path.name)
    front = front_of(_shape(inputs[0]), options, _proved(inputs[0], metadata))
    dim = _dim(outputs[output], path.name)
    ends = _ends(inputs[0], outputs[output], output, front, options)
    try:
        ends = _with_batch(network, dim, front, ends)
    except (ValueError, RuntimeError) as error:
        raise ModelError(_takes_no_single(path.name, inputs[0], error)) from error
    return Imported(
        network=network,
        input_shape=front.input_shape,
        dim=dim,
        ends=ends.to_json(),
        origin={
            "kind": "LiteRT",
            "licence": metadata.licence,
            "output": str(outputs[output]["name"]),
            "skipped": [],
            **front.origin,
        },
    )


def _refuse_surgery(options: ImportOptions) -> None:
    if options.skip or options.precision != "float32":
        name = "--skip" if options.skip else "--precision"
        raise ImportOptionError(
            f"{name} changes the network, but a .tflite file is imported unchanged: leave {name} "
            "out, or import the model that the file was made from."
        )


def _details(network: bytes, name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    from embedder.runtime.litert import interpreter_of

    try:
        interpreter = interpreter_of(network)
    except (ValueError, RuntimeError) as error:
        if _has_open_sides(network):
            raise ModelError(
                f"{name} leaves the height or width of a picture open, and LiteRT cannot prepare "
                "it so. Export it for pictures of the size that it was trained on."
            ) from error
        reason = next(iter(str(error).splitlines()), "no reason")
        raise ModelError(
            f"LiteRT cannot run {name} ({reason[:200]}): it is damaged, or needs operations that "
            "LiteRT lacks. Export it again with LiteRT's built-in operations only."
        ) from error
    return interpreter.get_input_details(), interpreter.get_output_details()


def _has_open_sides(network: bytes) -> bool:
    """Whether a network that cannot be prepared takes pictures of any size."""
    from ai_edge_litert.interpreter import Interpreter

    try:
        inputs = Interpreter(model_content=network).get_input_details()
    except (ValueError, RuntimeError):  # it is damaged
        return False
    return any(None in _shape(detail) for detail in inputs)


def _shape(detail: dict[str, Any]) -> tuple[int | None, ...]:
    """Shape of one picture, None where any size is possible."""
    shape = detail["shape_signature"] if len(detail["shape_signature"]) else detail["shape"]
    return tuple(None if side < 0 else int(side) for side in shape[1:])


def _proved(detail: dict[str, Any], metadata: Metadata) -> str | None:
    """The range of pixels, if quantisation or metadata show it."""
    quantised = _quantisation(detail)
    if quantised is not None:
        scale, zero = quantised
        limits = np.iinfo(detail["dtype"])
        return range_of_ends((limits.min - zero) * scale, (limits.max - zero) * scale)
    if np.issubdtype(detail["dtype"], np.integer):
        return whole_pixels(detail["dtype"])
    if metadata.mean is not None and metadata.spread:
        mean, spread = metadata.mean, metadata.spread
        return range_of_ends(-mean / spread, (255 - mean) / spread)
    return None


def _quantisation(detail: dict[str, Any]) -> Quantisation | None:
    scale, zero = detail["quantization"]
    return (float(scale), int(zero)) if scale and detail["dtype"] != np.float32 else None


def _output(outputs: list[dict[str, Any]], options: ImportOptions, name: str) -> int:
    names = [str(each["name"]) for each in outputs]
    if options.output is not None:
        if options.output not in names:
            raise ImportOptionError(
                f"{name} has no output {options.output!r}. Its outputs: {', '.join(names)}."
            )
        return names.index(options.output)
    if len(names) > 1:
        raise ImportOptionError(
            f"{name} has {len(names)} outputs: name the embedding with --output, one of "
            f"{', '.join(names)}."
        )
    return 0


def _dim(detail: dict[str, Any], name: str) -> int:
    shape = [int(side) for side in detail["shape"][1:]]
    size = int(np.prod(shape)) if shape else 0
    if size < 2 or max(shape) != size:
        raise ModelError(
            f"{name} gives arrays of shape {tuple(shape)} for a picture, but an embedding is one "
            "vector of at least 2 numbers. Export the network up to its pooling or dense layer."
        )
    return size


def _ends(
    pixels: dict[str, Any],
    vector: dict[str, Any],
    output: int,
    front: Front,
    options: ImportOptions,
) -> Ends:
    return Ends(
        shape=front.shape,
        channels=front.channels,
        layout=front.layout,
        scale=front.scale,
        offset=front.offset,
        input_type=np.dtype(pixels["dtype"]).name,
        input_quantisation=_quantisation(pixels),
        output=output,
        output_quantisation=_quantisation(vector),
        unit=not options.as_is,
        batch=1,
    )


def _takes_no_single(name: str, pixels: dict[str, Any], error: Exception) -> str:
    """Say that a network cannot be run for one picture, and why."""
    batch = next(iter(pixels["shape"]), 1)
    reason = next(iter(str(error).splitlines()), "no reason")[:200].rstrip(".")
    why = (
        f"takes exactly {batch} pictures at a time" if batch > 1 else "cannot be run for a picture"
    )
    return f"{name} {why} ({reason}). Export it for any number of pictures, or for 1."


def _with_batch(network: bytes, dim: int, front: Front, ends: Ends) -> Ends:
    """Allow batches if the network takes several pictures at once and gives the same embeddings."""
    pictures = sample(front.input_shape, _TRIED)
    alone = LiteRT(network, dim, 1, ends.to_json()).run(pictures)
    any_number = replace(ends, batch=0)
    try:
        together = LiteRT(network, dim, 1, any_number.to_json()).run(pictures)
    except (ValueError, RuntimeError):
        return ends
    return any_number if np.array_equal(alone, together) else ends
