"""Galleries in PostgreSQL: references, manifest, evidence and model in one database's tables.

May import: index.address, index.documents, index.errors, index.evidence, index.manifest,
index.references, index.search, index.storage.
"""
