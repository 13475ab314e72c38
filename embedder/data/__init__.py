"""Labelled pictures from anywhere: folders, zips, lists, tables, data sets.

May import: embedder.decoders, embedder.errors, embedder.text.
"""
