"""Batch the questions of concurrent requests.

May import: embedder, index, likewise.embedding, likewise.matcher, likewise.output,
likewise.server.errors, likewise.server.formats, likewise.server.metrics.
"""
