"""Nearest neighbours, exactly: overall, by group, and an index derived from the references.

May import: index.errors, index.neighbours, index.references, index.storage.
"""
