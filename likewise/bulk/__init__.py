"""Bulk checks: one row per picture, as a stream or as a resumable job, or in shards.

May import: embedder, index, likewise, likewise.decoding, likewise.locking, likewise.matcher,
likewise.output, likewise.pictures, likewise.remarks.
"""
