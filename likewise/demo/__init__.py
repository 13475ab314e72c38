"""The demonstration of `likewise demo`."""
