"""Runtimes that execute a network: each has `run(pixels) -> embeddings`. LiteRT is the only one.

May import: nothing.
"""
