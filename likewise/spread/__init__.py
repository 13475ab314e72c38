"""The references of a gallery on the nodes of a Ray cluster, a part on each.

May import: embedder, index, likewise.bulk.
"""
