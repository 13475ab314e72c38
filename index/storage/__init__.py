"""Files of a gallery: the database, the directory, sealed JSON, pictures.

May import: index.errors, index.references.
"""
