"""The references of a gallery: the truth that everything else is derived from.

May import: index.errors, index.storage.
"""
