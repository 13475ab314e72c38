"""Answers as rows, into streams and files.

May import: embedder, index.
"""
