"""Processes with limits, above all decoders for pictures of unknown decoding cost.

A picture that takes a process too long, too much memory, or that crashes it, costs that process
alone.

May import: embedder.data, embedder.errors, embedder.preprocessing.
"""
