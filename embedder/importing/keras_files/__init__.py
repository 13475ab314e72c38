"""Keras files, 2 and 3: read without running anything in them, cut, and built again.

May import: embedder.errors.
"""
