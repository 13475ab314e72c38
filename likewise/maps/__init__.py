"""Vectors in the plane: the map of the page and of the report.

May import: nothing.
"""
