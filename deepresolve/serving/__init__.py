"""Whole predictions as TensorFlow graphs: what a server runs without this package."""
