"""Bulk checks: one row per picture, as a stream or as a resumable job, or in shards.

May import: embedder, index, likewise, likewise.add_report, likewise.conflicts, likewise.decoding,
likewise.enrolment, likewise.locking, likewise.matcher, likewise.output, likewise.pictures,
likewise.remarks.
"""
