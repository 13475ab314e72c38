"""Calibration: a threshold for a wanted error rate, measured and stored in the gallery.

May import: embedder, index, likewise.matcher, likewise.queries, likewise.remarks.
"""
