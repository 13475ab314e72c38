"""Nearest neighbours, exactly: overall, by group, and an index derived from the references."""
