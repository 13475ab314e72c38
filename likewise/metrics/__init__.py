"""Distances to error rates, with intervals. NumPy alone.

May import: nothing.
"""
