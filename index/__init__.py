"""Vectors to neighbours to decisions; knows nothing of pictures or networks."""
