"""The photos model: EfficientNet-Lite0, made from the weights that the extra `photos` brings.

May import: embedder.destination, embedder.errors, embedder.manifest.
"""
