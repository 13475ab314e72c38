"""Import a Keras file, `.keras` or `.h5`, of Keras 3 or Keras 2."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from embedder.importing.front import Front, front_of
from embedder.importing.imported import Imported
from embedder.importing.keras_files.archive import KerasFile, opened_keras
from embedder.importing.keras_files.building import build, inputs_of
from embedder.importing.keras_files.cut import calls_to, find_base
from embedder.importing.keras_files.graph import Call, Graph, Tensor
from embedder.importing.keras_files.proof import expects_whole_pixels
from embedder.importing.keras_files.screening import screen_calls, screen_file
from embedder.importing.keras_files.tracing import trace
from embedder.importing.options import ImportOptions
from embedder.importing.to_litert import converted, predictions, whole_network

BOUND = 1e-6
HALF_BOUND = 1e-3  # float16 has 11 bits: the error of a weight is up to 5e-4 of it


def import_keras(path: Path, options: ImportOptions) -> Imported:
    """Read a Keras file, cut out the network that makes embeddings, and convert it.

    Args:
        path: The file.
        options: What the user chose.

    Raises:
        ModelError: If the file is damaged or hostile, or holds no network that can be imported.
        ImportOptionError: If an option is missing.
    """
    with opened_keras(path) as file:
        graph, output = _cut(file, options)
        front = _front(output, options)
        base = build(file, graph, output, front.shape)
    network = whole_network(base, front, as_is=options.as_is or _ends_in_unit_length(output))
    return Imported(
        network=converted(network, options.precision),
        input_shape=front.input_shape,
        dim=network.output_shape[-1],
        ends={},
        origin=_origin(file, graph, output, front),
        source=partial(predictions, network),
        bound=BOUND if options.precision == "float32" else HALF_BOUND,
        save_base=lambda folder: network.save(folder / "base.keras"),
    )


def _cut(file: KerasFile, options: ImportOptions) -> tuple[Graph, Tensor]:
    """Find the part to import, and screen it before anything is built."""
    screen_file(file.config, file.name)
    graph = trace(file.config, file.name, options.skip)
    output = find_base(graph, options.output, file.name)
    screen_calls(calls_to(output), file.name)
    return graph, output


def _front(output: Tensor, options: ImportOptions) -> Front:
    proved = "0..255" if expects_whole_pixels(output) else None
    return front_of(inputs_of(output).shape, options, proved)


def _ends_in_unit_length(output: Tensor) -> bool:
    return (
        isinstance(output, Call)
        and output.layer.kind == "UnitNormalization"
        and output.layer.config.get("axis", -1) in (-1, 1)
    )


def _origin(file: KerasFile, graph: Graph, output: Tensor, front: Front) -> dict[str, Any]:
    return {
        "kind": f"Keras {file.version}".strip(),
        "inputs": len(graph.inputs),
        "output": output.layer.path if isinstance(output, Call) else output.name,
        "skipped": graph.skipped,
        **front.origin,
    }
