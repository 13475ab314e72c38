"""Bulk checks: one row per picture, as a stream or as a resumable job.

May import: embedder, index, likewise.decoding, likewise.locking, likewise.matcher,
likewise.output, likewise.pictures, likewise.remarks.
"""
