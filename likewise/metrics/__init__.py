"""From distances to error rates, with intervals. NumPy only.

May import: nothing.
"""
