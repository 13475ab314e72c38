"""Evaluation: the figures of a gallery on pictures that it has not seen, each with its interval.

May import: embedder, index, likewise.matcher, likewise.queries, likewise.remarks.
"""
