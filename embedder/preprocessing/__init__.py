"""Preprocessing: fit any picture to a network's input shape.

May import: embedder.errors.
"""
