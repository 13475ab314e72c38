"""Labelled pictures from anywhere: folders, zips, lists, tables, data sets."""
