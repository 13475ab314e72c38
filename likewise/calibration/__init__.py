"""Calibration: a threshold for a wanted error rate, measured and stored in the gallery."""
