"""Questions of many requests, answered together.

May import: embedder, index, likewise.matcher, likewise.output, likewise.server.errors,
likewise.server.metrics.
"""
