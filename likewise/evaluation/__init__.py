"""Evaluation: a gallery's figures on unseen pictures, each with its interval.

May import: embedder, index, likewise.bulk, likewise.folds, likewise.matcher, likewise.queries,
likewise.remarks.
"""
