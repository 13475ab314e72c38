"""Jobs: large uploads, checked in the background by a separate process.

May import: embedder, index, likewise.bulk, likewise.locking, likewise.matcher, likewise.output,
likewise.server.answering, likewise.server.errors, likewise.server.formats,
likewise.server.requests, likewise.shadowing.
"""
