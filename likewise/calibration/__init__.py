"""Calibration: measure and store a threshold for a target error rate.

May import: embedder, index, likewise.bulk, likewise.decoding, likewise.embedding, likewise.folds,
likewise.matcher, likewise.queries, likewise.remarks.
"""
