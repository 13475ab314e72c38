"""Two-dimensional maps of vectors, for the page and the report.

May import: nothing.
"""
