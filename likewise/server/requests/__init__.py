"""Parse request bodies and query strings into pictures, vectors and options.

May import: embedder, index, likewise.conflicts, likewise.matcher, likewise.server.answering,
likewise.server.errors, likewise.server.schemas, likewise.server.state.
"""
