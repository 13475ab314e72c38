"""Many pictures in, one row each out: as a stream, or as a job that a kill does not harm.

May import: embedder, index, likewise.decoding, likewise.locking, likewise.matcher, likewise.output,
likewise.remarks.
"""
