"""Evaluation: the figures of a gallery on pictures that it has not seen, each with its interval."""
