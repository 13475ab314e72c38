"""Other people's writing, made: digits drawn from strokes, copies of all kinds, letters and signs.

May import: embedder.preprocessing.
"""
