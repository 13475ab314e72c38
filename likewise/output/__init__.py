"""Rows of answers, and writing them to streams and files.

May import: embedder, index.
"""
