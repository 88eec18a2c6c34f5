"""Measures of images, masks and groups of subjects: pure functions."""
