"""What a notebook shows: answers and galleries as HTML with their pictures.

May import: embedder, index, likewise.output, likewise.pictures.
"""
