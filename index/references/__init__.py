"""The references of a gallery: what is true, and what all else is derived from.

May import: index.errors, index.storage.
"""
