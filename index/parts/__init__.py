"""References in parts, each held by another process, searched as one gallery.

May import: index.errors, index.neighbours, index.references, index.search.
"""
