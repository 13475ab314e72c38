"""The HTTP server of `likewise serve` and its web page. Needs the extra `serve`.

May import: embedder, index, likewise, likewise.maps, likewise.matcher,
likewise.server.answering, likewise.server.jobs, likewise.server.requests,
likewise.server.routes, likewise.server.schemas, likewise.spread.
"""
