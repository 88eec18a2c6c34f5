"""Thin slices from thick ones."""
