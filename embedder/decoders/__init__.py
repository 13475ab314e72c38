"""Decoder processes: pictures whose cost is not bounded by their header are decoded by these.

A picture that takes a process too long, too much memory, or that crashes it, costs that process
alone.

May import: embedder.data, embedder.errors, embedder.preprocessing.
"""
