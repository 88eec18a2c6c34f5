"""Grading whole scans: what a person would note of a knee, with a probability."""
