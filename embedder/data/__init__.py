"""Labelled pictures from anywhere: folders, zips, lists, tables, data sets.

May import: embedder.errors, embedder.text.
"""
