"""Any picture to the exact shape that a network takes.

May import: nothing.
"""
