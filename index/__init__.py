"""From vectors to neighbours to decisions; independent of pictures and networks.

May import: index.references, index.search, index.storage.
"""
