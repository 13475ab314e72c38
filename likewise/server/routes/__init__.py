"""The routes, one file per topic.

May import: embedder, index, likewise.comparison, likewise.conflicts, likewise.enrolment,
likewise.maps, likewise.output, likewise.server.admission, likewise.server.answering,
likewise.server.errors, likewise.server.files, likewise.server.ids, likewise.server.jobs,
likewise.server.metrics, likewise.server.openapi, likewise.server.requests,
likewise.server.schemas, likewise.server.state.
"""
