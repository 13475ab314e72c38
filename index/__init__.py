"""From vectors to neighbours to decisions; independent of pictures and networks.

May import: index.parts, index.postgres, index.references, index.search, index.storage.
"""
