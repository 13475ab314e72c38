"""Galleries in PostgreSQL: references, manifest, evidence and model in one database's tables.

May import: nothing.
"""
