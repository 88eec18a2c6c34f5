"""Scans of labelled knees that nobody has."""
