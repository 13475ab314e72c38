"""Vectors to neighbours to decisions; knows nothing of pictures or networks.

May import: index.references, index.search, index.storage.
"""
