"""Fit an existing model to new groups: a small head on its features, without TensorFlow.

May import: embedder.data, embedder.destination, embedder.errors, embedder.importing,
embedder.manifest, embedder.model, embedder.photos, embedder.preprocessing, embedder.runtime,
embedder.training.
"""
